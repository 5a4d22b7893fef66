// Bugs that the simulation must find, each planted alone. A change of one source text while it is loaded: `find` must occur there exactly
// once, so a change of that code says so here. The report (docs/planted-bugs.md) names the seed and the check that caught each.
const engine = 'apps/commands/src/engine';
const scheduler = 'apps/scheduler/src';
const queries = 'apps/queries/src/projection';
const execution = 'libs/execution/src';
const kafka = 'libs/event-log/src/kafka';
const runner = 'apps/runner/src';

const begin = (start) => `[
        { type: 'NodeScheduled', data: { node_id: ${start}.node, attempt: 1, kind: 'code' } },
        { type: 'NodeStarted', data: { node_id: ${start}.node, attempt: 1, runner: ${start}.runner } },
      ]`;

export const plantedBugs = [
  {
    name: 'no-claim-after-unknown-outcome',
    what: 'After an append with an unknown outcome the owner goes on under its old claim.',
    file: `${kafka}/owned-partition.ts`,
    find: 'const record = encodeClaim(owner);',
    put: `const record = encodeClaim(owner);
      if (this.inForce >= 0) {
        const [end] = await wire.borrow(events, this.partition, (line) => line.offsets([{ topic: events, partition: this.partition }], 'end'));
        this.expected = end;
        return this.inForce;
      }`,
  },
  {
    name: 'landing-place-not-compared',
    what: 'An append counts wherever it landed.',
    file: `${kafka}/owned-partition.ts`,
    find: 'if (baseOffset !== expected && !(await this.isVoid(expected, baseOffset)))',
    put: 'if (baseOffset < 0)',
  },
  {
    name: 'earlier-acknowledgement-believed',
    what: "An acknowledgement counts that names a place which was taken before the request left, a claim's, too.",
    file: `${kafka}/courier.ts`,
    find: 'return outcome > before ? outcome :',
    put: 'return outcome >= 0 ? outcome :',
  },
  {
    name: 'claims-ignored',
    what: 'A reader accepts events under any claim.',
    file: 'libs/event-log/src/claims.ts',
    find: 'return this.claim >= 0 && record.headers.ce_claim === String(this.claim) ?',
    put: 'return record.headers.ce_claim !== undefined ?',
  },
  {
    name: 'engine-resumes-without-claim',
    what: 'Recovery does not know the claim in force at its checkpoint.',
    file: `${engine}/recovery.ts`,
    find: 'new AcceptedEvents(from.claim)',
    put: 'new AcceptedEvents()',
  },
  {
    name: 'projection-resumes-without-claim',
    what: 'The projection does not know the claim in force at its position.',
    file: `${queries}/partition-projection.ts`,
    find: 'const accepting = new AcceptedEvents(this.position.claim);',
    put: 'const accepting = new AcceptedEvents();',
  },
  {
    name: 'follow-ups-before-append',
    what: 'Tasks and replies leave before the events they rest on are acknowledged.',
    file: `${engine}/outbox.ts`,
    find: 'const { baseOffset } = await this.owned.append(records, followUps, urgency);',
    put: 'await this.log.send(followUps); const { baseOffset } = await this.owned.append(records, [], urgency);',
  },
  {
    name: 'task-not-sent-again',
    what: 'A reminder of an unstarted attempt sends no task.',
    file: `${engine}/decision.ts`,
    find: 'if (task) this.desk.outbox.say({ task: await withStoredJournal(task, this.desk.stored) });',
    put: '',
  },
  {
    name: 'state-stored-before-append',
    what: 'A flush does not wait until what it stores is acknowledged by the log.',
    file: `${engine}/tenure.ts`,
    find: 'await outbox.drained();',
    put: '',
  },
  {
    name: 'checkpoint-above-unflushed',
    what: 'What a failed flush should have stored is forgotten, so the next checkpoint passes it.',
    file: `${engine}/write-behind.ts`,
    find: 'this.residents.restore(flush.lives);',
    put: '',
  },
  {
    name: 'zombie-checkpoint-wins',
    what: 'The engine state of an owner with an older claim overwrites a newer one.',
    file: `${engine}/checkpoint.ts`,
    find: 'where held.written_under <= excluded.written_under',
    put: 'where true',
  },
  {
    name: 'slice-resume-ignored',
    what: 'A command of which only the first slice was recorded is not gone on with.',
    file: `${engine}/recovery.ts`,
    find: 'nextCommand: lastEvent.more ? lastEvent.commandOffset : lastEvent.commandOffset + 1, continuing: lastEvent.more',
    put: 'nextCommand: lastEvent.commandOffset + 1, continuing: false',
  },
  {
    name: 'evicted-before-stored',
    what: 'Executions leave the memory although they are not stored as they stand.',
    file: `${engine}/residents.ts`,
    find: `if (!this.isOverLimit) return;
      if (isStored(live)) this.#drop(live);`,
    put: 'if (!this.isOverLimit) return; this.#drop(live);',
  },
  {
    name: 'tombstone-forgotten',
    what: 'An ended execution leaves nothing behind that a repeated create would meet.',
    file: `${engine}/state-store.ts`,
    find: 'return states.map(({ execution_id, tip, snapshot }) => {',
    put: 'return states.filter(({ terminal }) => !terminal).map(({ execution_id, tip, snapshot }) => {',
  },
  {
    name: 'outputs-lost-in-failed-flush',
    what: 'Outputs that a failed flush should have stored are never stored.',
    file: `${engine}/write-behind.ts`,
    find: 'live.freshOutputs.unshift(...fresh);',
    put: '',
  },
  {
    name: 'command-ids-not-compared',
    what: 'A repeated create is refused although it was carried out.',
    file: `${execution}/decide.ts`,
    find: 'if (execution && execution.createCommandId !== command.id)',
    put: 'if (execution)',
  },
  {
    name: 'second-winner-at-a-gate',
    what: 'A gate that was decided is decided again.',
    file: `${execution}/decide-gates.ts`,
    find: 'if (gate.decided) return decidedAlready(command, gate, gate.decided, execution);',
    put: '',
  },
  {
    name: 'late-result-accepted',
    what: 'A result counts whoever sends it, for whichever attempt.',
    file: `${execution}/decide-nodes.ts`,
    find: "if (node?.status === 'running' && node.attempt === command.attempt && node.runner === command.runner && isBegun) return node;",
    put: "if (node?.status === 'running') return node;",
  },
  {
    name: 'at-most-once-repeated',
    what: 'A lost attempt of an at-most-once node is tried again.',
    file: `${execution}/decide-nodes.ts`,
    find: 'if (workflow.nodes.get(command.node)?.effect?.asks) return',
    put: 'if (command.attempt < 0) return',
  },
  {
    name: 'unknown-effect-tried-again',
    what: 'The retry policy applies where nobody knows whether the effect was had, although people should be asked.',
    file: `${execution}/decide-nodes.ts`,
    find: "if (effect?.asks && error.effect === 'unknown')",
    put: "if (effect?.class === 'at_most_once' && error.effect === 'unknown')",
  },
  {
    name: 'at-most-once-tried-again',
    what: 'The retry policy applies to an at-most-once node that had begun.',
    file: `${execution}/decide-nodes.ts`,
    find: "const mayRepeat = effect?.class !== 'at_most_once' || error.effect === 'none';",
    put: 'const mayRepeat = true;',
  },
  {
    name: 'effect-before-its-intent',
    what: 'A runner does not wait for the word that the intent is recorded.',
    file: 'apps/runner/src/attempt.ts',
    find: 'if (this.#mayBegin) await this.#mayBegin.promise;',
    put: '',
  },
  {
    name: 'receipt-ignored-by-retry',
    what: 'A retry or replay runs a node again whose receipt it inherits.',
    file: `${execution}/effects.ts`,
    find: 'if (earlier.receipt) {',
    put: "if (earlier.receipt && id === '') {",
  },
  {
    name: 'key-not-inherited',
    what: 'An effect that goes on in a retry does so under a key of its own.',
    file: `${execution}/effects.ts`,
    find: 'execution.effects.get(id)?.key ?? ',
    put: '',
  },
  {
    name: 'unknown-effect-forgotten-by-retry',
    what: 'A retry begins an effect anew that nobody knows the outcome of.',
    file: `${execution}/effects.ts`,
    find: 'return effect.asks ? effectUnknown(',
    put: "return id === '' ? effectUnknown(",
  },
  {
    name: 'effects-taken-over-too-early',
    what: 'A retry begins before the read model has all that is known of the effects before it.',
    file: 'libs/read-model/src/known-effects.ts',
    find: 'if (!first || !isTerminalStatus(first.execution_status as never)) return null;',
    put: 'if (!first) return [];',
  },
  {
    name: 'timer-fires-early',
    what: 'Timers fire up to three seconds before they are due, saying that they are due.',
    file: `${scheduler}/due.ts`,
    find: 'const due = book.timers.take(now);',
    put: 'const due = book.timers.take(now + 3_000); if (due) now = due.armed.dueAt;',
  },
  {
    name: 'timer-rows-not-written',
    what: 'Timers are in the memory of one scheduler only.',
    file: `${scheduler}/book.ts`,
    find: 'changes.timers.push({ executionId, armed });',
    put: '',
  },
  {
    name: 'silent-runner-not-noticed',
    what: 'Attempts of a runner that died are never given up.',
    file: `${scheduler}/due.ts`,
    find: 'const silentMs = runners.silence(runner);',
    put: 'const silentMs = null as number | null;',
  },
  {
    name: 'open-attempts-forgotten',
    what: 'A scheduler that takes over does not load the attempts under way.',
    file: `${scheduler}/partition.ts`,
    find: 'await this.load(book, await store.withOpenAttempts(this.partition));',
    put: '',
  },
  {
    name: 'flush-carried-out-after-its-repetition',
    what: 'A flush whose connection broke may be carried out after a later one.',
    file: `${scheduler}/flush-sql.ts`,
    find: ' and next_offset <= $4',
    put: '',
  },
  {
    name: 'succession-written-after-it-has-begun',
    what: 'The row of a retry may be written after its event was passed, and after it was forgotten.',
    file: `${scheduler}/successions.ts`,
    find: ' and p.next_offset > n.rests_on',
    put: ' and false',
  },
  {
    name: 'slot-freed-early',
    what: 'A slot is free as soon as a cancel is asked for, though nodes still run.',
    file: `${execution}/queue-standing.ts`,
    find: "case 'ExecutionCompleted':",
    put: "case 'CancelRequested': case 'ExecutionCompleted':",
  },
  {
    name: 'slots-granted-before-caught-up',
    what: 'Slots are granted before the tables reach the ends that the log had at the start.',
    file: `${scheduler}/queues/admissions.ts`,
    find: 'if (!(await this.isLevel())) {',
    put: 'if (this.stopped) {',
  },
  {
    name: 'admission-not-sent-again',
    what: 'A lease whose admission got lost is never sent again.',
    file: `${scheduler}/queues/admissions.ts`,
    find: '(await unanswered(this.parts.database, partition, now - sinceMs, AT_ONCE))',
    put: '[].slice(partition + now + sinceMs)',
  },
  {
    name: 'limit-not-compared',
    what: 'The slots that are held already are not taken off the limit.',
    file: `${scheduler}/queues/granting.ts`,
    find: 'queue.slots - queue.held;',
    put: 'queue.slots;',
  },
  {
    name: 'queue-not-locked',
    what: 'Slots are granted without the lock of the queue.',
    file: `${scheduler}/queues/granting-sql.ts`,
    find: ' and name = $2 for update',
    put: ' and name = $2',
  },
  {
    name: 'old-ticket-admits',
    what: 'An admission counts whichever time it was for.',
    file: `${execution}/decide-queue.ts`,
    find: 'if (slot?.ticket === command.ticket) return slot;',
    put: 'if (slot) return slot;',
  },
  {
    name: 'slots-freed-after-the-offset',
    what: 'What the log says of slots is written after the transaction that commits the offset.',
    file: `${scheduler}/store.ts`,
    find: 'await applyStandings(sql, position.partition, changes.standings, Date.now());',
    put: 'this.sql.transaction((later) => applyStandings(later, position.partition, changes.standings, Date.now())).catch(() => undefined);',
  },
  {
    name: 'progress-before-rows',
    what: 'The projection stores its progress before the rows.',
    file: `${queries}/partition-projection.ts`,
    find: 'if (await writeChanges(this.database, changes, this.position, reached)) {',
    put: `const wasFirst = await writeChanges(this.database, new Changes(this.position.partition), this.position, reached);
        if (wasFirst) this.position = reached;
        if (wasFirst && (await writeChanges(this.database, changes, reached, reached))) {`,
  },
  {
    name: 'progress-not-compared',
    what: 'Two processes that hold the same partition of the projection both write.',
    file: `${queries}/write-changes.ts`,
    find: ' and "offset" = $3',
    put: '',
  },
  {
    name: 'leg-before-the-append',
    what: 'A runner goes on with the next node of a leg before the result that carries its start is on the log.',
    file: `${runner}/attempts.ts`,
    find: 'await attempt.report(report, { id',
    put: 'void attempt.report(report, { id',
  },
  {
    name: 'leg-on-a-refused-result',
    what: 'The start of a next node counts although the result that carries it was refused.',
    file: `${engine}/decision.ts`,
    find: `if (!continuing || !live) {
        if (received.reserved) await this.#release(received, live, true);
        return this.#refuse(command, decision, start);
      }
      decision = [];`,
    put: `const intent = intentOf(command);
      if ((!continuing && !intent) || !live) {
        if (received.reserved) await this.#release(received, live, true);
        return this.#refuse(command, decision, start);
      }
      const isIdle = intent && live.execution.status === 'running' && (live.execution.nodes.get(intent.node)?.attempt ?? 0) === 0;
      decision = isIdle ? ${begin('intent')} : [];`,
  },
  {
    name: 'leg-past-a-fence',
    what: 'A next node is started after a cancel was asked for.',
    file: `${execution}/leg.ts`,
    find: 'const counts =',
    put: `if (execution.cancel && (node?.attempt ?? 0) === 0) return ${begin('intent')};
  const counts =`,
  },
  {
    name: 'leg-begun-twice',
    what: 'A report counts whichever of two legs its runner began the attempt in, also on a result that was refused.',
    file: `${execution}/decide-nodes.ts`,
    find: 'const isBegun = command.begunBy === undefined || command.begunBy === node?.startedBy;',
    put: 'const isBegun = true;',
  },
  {
    name: 'body-collected-while-under-way',
    what: 'The collection of bodies looks at the read model alone, not at what is on its way there.',
    file: 'apps/queries/src/collection/collect.ts',
    find: 'if (pending.has(artifact.digest) || known.has(keyOf(artifact)))',
    put: 'if (known.has(keyOf(artifact)))',
  },
  {
    name: 'body-referred-to-unseen',
    what: 'An event refers to a body that its owner has not made sure of.',
    file: `${engine}/stored-bodies.ts`,
    find: "if (await retrying(() => this.bodies.store.renew(workspaceId, reference), 'looking for a body', this.signal, this.logger)) return true;",
    put: 'return true;',
  },
  {
    name: 'reference-not-projected',
    what: 'The read model forgets which bodies the outputs of executions are.',
    file: 'libs/execution/src/bodies.ts',
    find: 'const reference = body &&',
    put: "const reference = body && event.type !== 'ExecutionCompleted' && event.type !== 'NodeCompleted' &&",
  },
  {
    name: 'budget-of-a-workspace-without-reservations',
    what: "Calls that others have under way leave as much of a workspace's budget as if there were none.",
    file: `${engine}/accounts.ts`,
    find: 'account.spent + account.reserved + neededIn(name) > account.budget',
    put: 'account.spent + neededIn(name) > account.budget',
  },
  {
    name: 'reservation-given-back-early',
    what: "A workspace's account forgets what is reserved as soon as the call begins.",
    file: 'apps/queries/src/projection/accounts.ts',
    find: "if (event.type === 'TokensUsed' || (event.type === 'EffectRecorded' && event.data.call?.kind === 'model'))",
    put: "if (event.type === 'TokensUsed' || event.type === 'BudgetReserved')",
  },
  {
    name: 'lost-call-costs-nothing',
    what: 'A call of which nobody has heard leaves the account as it was.',
    file: 'apps/queries/src/projection/accounts.ts',
    find: 'of callsLostBy(view, event)) sum',
    put: 'of [] as ReturnType<typeof callsLostBy>) sum',
  },
  {
    name: 'receipt-recorded-twice',
    what: 'A call of an agent that has its receipt gets another.',
    file: `${execution}/decide-records.ts`,
    find: "if (known?.standing === 'recorded' || seen.has(key)) return [];",
    put: 'if (seen.has(key)) return [];',
  },
  {
    name: 'journal-not-handed-on',
    what: 'The next attempt of an agent begins without the journal of those before it.',
    file: `${engine}/task-building.ts`,
    find: 'node.agent ? journalOf(execution, id) : undefined;',
    put: 'node.agent && id.length > 64 ? journalOf(execution, id) : undefined;',
  },
  {
    name: 'journal-not-stored',
    what: "The engine's stored state has no journals.",
    file: `${execution}/snapshot.ts`,
    find: 'journals: [...journals].map',
    put: 'journals: [...journals].slice(0, 0).map',
  },
  {
    name: 'receipts-not-stored',
    what: 'What calls of agents came to is in the memory of one owner only.',
    file: `${execution}/journal.ts`,
    find: 'event.data.call && !event.data.receipt_ref ? receiptName(',
    put: "event.data.call && event.data.key === '' ? receiptName(",
  },
  {
    name: 'calls-before-the-word',
    what: 'An agent makes its calls before the engine has said that they may begin.',
    file: `${runner}/agent/steps.ts`,
    find: 'return await promise;',
    put: "return step.type === 'ParkNode' ? await promise : ({ type: 'accepted', version: 0 } as Reply);",
  },
  {
    name: 'reservations-not-counted',
    what: 'A call fits the budget whatever is reserved for others.',
    file: `${execution}/budgets.ts`,
    find: 'plus(plus(spent, reserved), needed)',
    put: 'plus(spent, needed)',
  },
  {
    name: 'lost-reservations-given-back',
    what: 'What was reserved for calls of a runner that was lost may be spent again.',
    file: `${execution}/journal.ts`,
    find: 'spend(execution, journal, key, amount);',
    put: "spend(execution, journal, key, amount.slice(0, 0) || '0');",
  },
  {
    name: 'parked-agent-forgotten',
    what: 'An agent all of whose gates are decided does not go on.',
    file: `${execution}/call-gates.ts`,
    find: 'execution.ready.add(agent);',
    put: '',
  },
  {
    name: 'one-timer-for-all-calls',
    what: "Gates of an agent's calls have one timer together.",
    file: `${scheduler}/timers.ts`,
    find: "gate_id.split('.').length > 2 ? gate_id : node_id",
    put: 'gate_id === node_id ? gate_id : node_id',
  },
];
