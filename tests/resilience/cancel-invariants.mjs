// What a cancel promises, from the independent reader's events and the receipts alone. Each gives a list of violations, empty when it holds.

/** Nothing of these may follow a CancelRequested: a node that begins, or a result that counts. */
const fenced = new Set([
  'NodeScheduled',
  'NodeStarted',
  'NodeWaiting',
  'NodeRetryScheduled',
  'ApprovalRequested',
  'QuestionRequested',
  'NodeCompleted',
  'NodeFailed',
  'NodeSkipped',
  'ExecutionSuspended',
  'ExecutionResumed',
  'ExecutionCompleted',
  'ExecutionFailed',
  'ExecutionRejected',
]);

const byExecution = (events) => Map.groupBy(events, (event) => event.execution);

const fenceHolds = ({ events }) =>
  [...byExecution(events)].flatMap(([id, list]) => {
    const fence = list.findIndex(({ type }) => type === 'CancelRequested');
    if (fence < 0) return [];
    const after = list.slice(fence + 1);
    return [
      ...after.filter(({ type }) => fenced.has(type)).map(({ type, version }) => `${id}: ${type} at version ${version}, behind the fence at ${fence + 1}`),
      ...after.filter(({ type }) => type === 'CancelRequested').map(({ version }) => `${id}: asked to cancel a second time at version ${version}`),
      ...(list.at(-1).type === 'ExecutionCancelled' ? [] : [`${id} was asked to cancel and ended with ${list.at(-1).type}`]),
    ];
  });

/** 200 and 202 lead to cancelled, 409 to another end. */
const answersHold = ({ answers, receipts }) =>
  [...answers].flatMap(([id, status]) => {
    const { resource } = receipts.get(id);
    const expected = status === 409 ? resource.status !== 'cancelled' : (status === 200 || status === 202) && resource.status === 'cancelled';
    return expected ? [] : [`${id}: the cancel was answered with ${status}, and it is ${resource.status}`];
  });

/** Every cancelled execution has a receipt that says what the log says, and no output. */
const receiptsHold = ({ events, receipts }) => {
  const logged = byExecution(events);
  return [...receipts].flatMap(([id, { resource, receipt }]) => {
    if (resource.status !== 'cancelled') return receipt === null ? [] : [`${id} is ${resource.status} and has a receipt`];
    const list = logged.get(id) ?? [];
    const stopped = list.filter(({ type }) => type === 'NodeStopped').map(({ data }) => `${data.node_id}.${data.attempt} ${data.outcome}`);
    const shown = receipt?.nodes.map(({ node_id, attempt, outcome }) => `${node_id}.${attempt} ${outcome}`) ?? [];
    const completed = new Set(list.filter(({ type }) => type === 'NodeCompleted').map(({ data }) => data.node_id));
    const late = Object.keys(resource.execution_data ?? {}).filter((node) => !completed.has(node));
    const unacknowledged = list.at(-1)?.data.unacknowledged ?? [];
    return [
      ...(stopped.sort().join() === shown.sort().join() ? [] : [`${id}: the receipt says [${shown}], the log [${stopped}]`]),
      ...(receipt?.acknowledged === (unacknowledged.length === 0) ? [] : [`${id}: acknowledged is ${receipt?.acknowledged}, and [${unacknowledged}] did not`]),
      ...(receipt?.nodes.every(({ ms }) => typeof ms === 'number') ? [] : [`${id}: the receipt lacks a time`]),
      ...(resource.output === null ? [] : [`${id} is cancelled and has an output`]),
      ...late.map((node) => `${id}: the output of '${node}' came late and is shown`),
    ];
  });
};

export const cancelled = { fenceHolds, answersHold, receiptsHold };

export const percentile = (list, p) => [...list].sort((a, b) => a - b)[Math.max(0, Math.ceil((p / 100) * list.length) - 1)] ?? null;
