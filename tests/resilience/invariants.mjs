// The invariants that every storm ends with: from the independent reader's events, the ledger and what the API showed. Each gives a list of
// violations, empty when it holds.
import { idOf } from './independent-log.mjs';

const terminal = new Set(['ExecutionCompleted', 'ExecutionFailed', 'ExecutionCancelled', 'ExecutionRejected']);

const byExecution = (events) => Map.groupBy(events, (event) => event.execution);

/** Where an event may come in a history: the status it needs and the one it leads to. */
const steps = {
  ExecutionCreated: [['none'], 'pending'],
  ExecutionQueued: [['pending'], 'queued'],
  ExecutionStarted: [['queued'], 'running'],
  ExecutionSuspended: [['running'], 'suspended'],
  ExecutionResumed: [['suspended'], 'running'],
  ExecutionCompleted: [['running'], 'completed'],
  ExecutionFailed: [['pending', 'queued', 'running', 'suspended'], 'failed'],
  ExecutionCancelled: [['pending', 'queued', 'running', 'suspended'], 'cancelled'],
  ExecutionRejected: [['running'], 'rejected'],
};

/** I1: every id that a client saw accepted is on the log. */
export const accepted = ({ events, ledger }) => {
  const known = new Set(events.map((event) => event.execution));
  return ledger.filter(({ kind }) => kind === 'created').flatMap(({ id }) => (known.has(id) ? [] : [`${id} was acknowledged and is not on the log`]));
};

/** I2: one terminal event (exactly one once the storm has settled), and nothing after it. */
export const oneEnd = ({ events }) =>
  [...byExecution(events)].flatMap(([id, list]) => {
    const ends = list.filter(({ type }) => terminal.has(type));
    if (ends.length !== 1) return [`${id} has ${ends.length} terminal events`];
    // A retry of an ended execution is recorded in it; that changes nothing about it.
    const rest = list.slice(list.indexOf(ends[0]) + 1).filter(({ type }) => type !== 'ExecutionSuperseded');
    return rest.length === 0 ? [] : [`${id} goes on after ${ends[0].type}`];
  });

/** I3: one chain, versions 1..n, each naming the one before, each id the hash of its event. */
export const oneChain = ({ events }) =>
  [...byExecution(events)].flatMap(([id, list]) =>
    list.flatMap((event, i) => [
      ...(event.version === i + 1 ? [] : [`${id} has version ${event.version} where ${i + 1} is due`]),
      ...(event.previous === (list[i - 1]?.id ?? '') ? [] : [`${id} version ${event.version} does not name the event before it`]),
      ...(event.id === idOf(event) ? [] : [`${id} version ${event.version} has id ${event.id}, but its content hashes to ${idOf(event)}`]),
    ]),
  );

/** I4: every transition is legal. */
export const legalSteps = ({ events }) =>
  [...byExecution(events)].flatMap(([id, list]) => {
    let status = 'none';
    return list.flatMap(({ type }) => {
      const step = steps[type];
      if (!step) return [];
      const ok = step[0].includes(status);
      const complaint = ok ? [] : [`${id}: ${type} while ${status}`];
      status = step[1];
      return complaint;
    });
  });

/** I7: every started attempt has exactly one outcome. */
export const oneOutcome = ({ events }) =>
  [...byExecution(events)].flatMap(([id, list]) => {
    const open = new Map();
    const complaints = [];
    for (const { type, data } of list) {
      const name = `${data.node_id}.${data.attempt}`;
      if (type === 'NodeStarted') {
        if (open.has(data.node_id)) complaints.push(`${id}: ${name} started while ${open.get(data.node_id)} is open`);
        open.set(data.node_id, name);
      } else if (['NodeCompleted', 'NodeFailed', 'NodeStopped', 'AttemptLost'].includes(type) && !data.inline && open.has(data.node_id)) {
        if (open.get(data.node_id) !== name) complaints.push(`${id}: ${type} of ${name} while ${open.get(data.node_id)} is open`);
        open.delete(data.node_id);
      }
    }
    return [...complaints, ...[...open.values()].map((name) => `${id}: ${name} started and has no outcome`)];
  });

/** I8: command offsets in accepted events only grow, per partition. */
export const commandsInOrder = ({ events }) => {
  const last = new Map();
  return events.flatMap(({ partition, commandOffset, execution, version }) => {
    const before = last.get(partition) ?? -1;
    last.set(partition, Math.max(before, commandOffset));
    return commandOffset >= before ? [] : [`partition ${partition}: version ${version} of ${execution} comes from command ${commandOffset}, after ${before}`];
  });
};

/** I12: one winner per gate. */
export const oneWinner = ({ events, ledger }) => {
  const winners = new Map();
  for (const { execution, type, data } of events) {
    if (!(type === 'GateExpired' || (type === 'ResponseReceived' && data.accepted))) continue;
    const name = `${execution}/${data.gate_id}`;
    winners.set(name, (winners.get(name) ?? 0) + 1);
  }
  const answers = Map.groupBy(
    ledger.filter(({ kind }) => kind === 'answered'),
    ({ id, gate }) => `${id}/${gate}`,
  );
  return [
    ...[...winners].filter(([, n]) => n > 1).map(([name, n]) => `gate ${name} has ${n} winners`),
    ...[...answers].filter(([, list]) => new Set(list.map(({ by }) => by)).size > 1).map(([name]) => `gate ${name} told two answers that they won`),
  ];
};

/** I16: a timer fires, never early, and late by at most two seconds plus the outage. */
export const timersInTime = ({ events, outageMs }) =>
  [...byExecution(events)].flatMap(([id, list]) => {
    const due = new Map();
    return list.flatMap(({ type, data, at }) => {
      if (type === 'NodeWaiting') due.set(data.node_id, data.until);
      if (type === 'NodeRetryScheduled') due.set(data.node_id, data.retry_at);
      const fired = (type === 'NodeCompleted' || type === 'NodeScheduled') && due.has(data.node_id);
      if (!fired) return [];
      const late = at - due.get(data.node_id);
      due.delete(data.node_id);
      if (late < 0) return [`${id}: timer of ${data.node_id} fired ${-late} ms early`];
      return late > 2_000 + outageMs ? [`${id}: timer of ${data.node_id} fired ${late} ms late, the outage was ${outageMs} ms`] : [];
    });
  });

/** I5 over the public API: what it shows equals the log. */
export const shownAsLogged = ({ events, shown }) =>
  [...byExecution(events)].flatMap(([id, list]) => {
    const seen = shown.get(id);
    if (!seen) return [`${id} is on the log and not in the API`];
    const ids = list.map((event) => event.id).join();
    const complaints = [];
    if (seen.resource.version !== list.length) complaints.push(`${id} is shown at version ${seen.resource.version}, the log has ${list.length}`);
    const status = steps[list.findLast(({ type }) => steps[type])?.type]?.[1];
    if (seen.resource.status !== status) complaints.push(`${id} is shown as ${seen.resource.status}, the log says ${status}`);
    if (seen.events.map((event) => event.id).join() !== ids) complaints.push(`${id}: the history differs from the log`);
    return complaints;
  });

/** I5 in the database: rows are the fold of the log. */
export const rowsAsFolded = ({ drift }) => drift.map(({ executionId, because }) => `${executionId}: ${because}`);

/** I9: events under a void claim show up nowhere. */
export const voidsUnseen = ({ events, voids, shown, streams }) => {
  const accepted = new Set(events.map(({ id }) => id));
  const unseen = new Set(voids.filter((id) => !accepted.has(id)));
  return [
    ...[...shown].flatMap(([id, { events: told }]) => told.filter((event) => unseen.has(event.id)).map((event) => `${id}: its history shows void event ${event.id}`)),
    ...[...streams].flatMap(([id, told]) => told.filter((one) => unseen.has(one)).map((one) => `${id}: its stream told void event ${one}`)),
  ];
};

/** I11: what a stream told, joined over its reconnects, is the log's slice, each event once and in order. */
export const streamsAsLogged = ({ events, streams }) => {
  const logged = byExecution(events);
  return [...streams].flatMap(([id, ids]) => {
    const expected = (logged.get(id) ?? []).map((event) => event.id);
    return ids.join() === expected.join() ? [] : [`${id}: its stream told ${ids.length} events, the log has ${expected.length}, or in another order`];
  });
};

/** I14: the read models are level with the log, and all that was asked for has ended, within a minute after the faults. */
export const drained = ({ levelMs, drainedMs }) => [
  ...(levelMs <= 60_000 ? [] : [`the read models were level ${levelMs} ms after the last fault`]),
  ...(drainedMs <= 60_000 ? [] : [`the last execution ended ${drainedMs} ms after the last fault and request`]),
];

export const all = {
  I1: accepted,
  I2: oneEnd,
  I3: oneChain,
  I4: legalSteps,
  I5: (facts) => [...shownAsLogged(facts), ...rowsAsFolded(facts)],
  I7: oneOutcome,
  I8: commandsInOrder,
  I9: voidsUnseen,
  I11: streamsAsLogged,
  I12: oneWinner,
  I14: drained,
  I16: timersInTime,
};
