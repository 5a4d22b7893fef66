import { decodeJson, type LogRecord } from '@runlog/event-log';
import type { ExecutionCommand } from '@runlog/execution';
import type { Logger } from '@runlog/platform';
import type { Catalog } from '@runlog/read-model';
import { CommandsService } from '../../apps/commands/src/commands.service.js';
import { collect } from '../../apps/queries/src/collection/collect.js';
import { ExecutionProjection } from '../../apps/queries/src/execution-projection.js';
import { Progress } from '../../apps/queries/src/projection/progress.js';
import { SchedulerService } from '../../apps/scheduler/src/scheduler.service.js';
import type { SeenCall } from './agent.js';
import { artifactsOf, Shelf } from './artifacts.js';
import { Broker } from './broker.js';
import { restsOn } from './causes.js';
import { Clients } from './clients.js';
import { databaseOf, Server } from './database.js';
import { Groups } from './groups.js';
import { History } from './history.js';
import { Host } from './host.js';
import { SimulatedLog } from './log.js';
import { QueueChecks } from './queue-checks.js';
import { QueuePeople } from './queue-people.js';
import { Random } from './random.js';
import { type Effect, SimulatedRunner } from './runner.js';
import { Tables } from './tables.js';
import { VirtualTime } from './virtual-time.js';
import { Weather } from './weather.js';
import { catalog, type WorkflowKey } from './workflows.js';

/** What a process runs. */
type Station = 'commands' | 'scheduler' | 'queries' | 'runner';

interface Process {
  readonly station: Station;
  /** Executions that an engine keeps in memory. */
  readonly limit: number;
  /** Nodes that it lets follow in a task. */
  readonly legs: number;
  host: Host | undefined;
  starts: number;
}

const epoch = Date.UTC(2026, 0, 1);
/** While things go wrong, bodies are collected so long after they were stored. */
const graceMs = 6_000;
/** Troubles last so long, and everything must have come to rest this long after. */
const troubledMs = 12_000;
const restWithinMs = 240_000;

const nothing = (): void => undefined;

/** The whole system in one thread: real stations, simulated ports, one seed. */
export class World {
  readonly time = new VirtualTime(epoch);
  readonly random: Random;
  readonly weather: Weather;
  readonly broker = new Broker(() => Date.now());
  readonly history = new History();
  readonly tables = new Tables();
  readonly shelf = new Shelf(() => Date.now());
  readonly effects: Effect[] = [];
  readonly calls: SeenCall[] = [];
  /** What broke a rule as it happened: `<check>: <what>`. */
  readonly complaints: string[] = [];
  readonly clients: Clients;
  readonly engines = new Map<Host, CommandsService>();
  /** Lines of the stations' loggers, kept when somebody looks at a seed. */
  readonly lines: string[] = [];
  /** Starts that reports on the log carry, as `<report> <node>`. */
  readonly #intents = new Set<string>();
  readonly #queuePeople: QueuePeople;
  readonly #queueChecks: QueueChecks;
  readonly #groups: Groups;
  readonly #server: Server;
  readonly #processes: Process[] = [];
  #isWiping = false;
  readonly #steady: Host;

  constructor(
    readonly seed: number,
    private readonly isWatched = false,
  ) {
    this.random = new Random(seed);
    this.weather = new Weather(this.random.fork(), troubledMs);
    this.#groups = new Groups(this.time, this.random.fork());
    this.#server = new Server(this.tables, (error) => this.complain('database', error.message));
    this.#steady = new Host('client', this.time, this.weather, nothing, false);
    this.#queuePeople = new QueuePeople(this.#server, this.time, this.random.fork(), troubledMs * 0.9);
    this.clients = new Clients(this.#logOf(this.#steady), this.time, this.random.fork(), this.#queuePeople, artifactsOf(this.#steady, this.shelf), this.tables, troubledMs);
    this.#queueChecks = new QueueChecks(this.tables, this.#queuePeople, (check, because) => this.complain(check, because));
    this.broker.watch((record) => {
      if (record.topic === 'execution-events') {
        const fact = this.history.add(record);
        if (fact) this.#queueChecks.see(fact);
      }
      if (record.topic === 'execution-commands') {
        this.#note(record);
        this.#echo(record);
      }
      const early = restsOn(record, this.history);
      if (early) this.complain('C1', early);
    });
  }

  /** Runs until all is done and stored, or until it should have been. */
  async run(): Promise<void> {
    const { random, time, weather } = this;
    const restore = time.install(random.fork().next);
    try {
      for (const [station, most] of [
        ['commands', 2],
        ['scheduler', 2],
        ['queries', 2],
        ['runner', 3],
      ] as const)
        for (let n = random.whole(1, most); n > 0; n--)
          this.#processes.push({ station, limit: random.pick([3, 10, 1_000]), legs: random.pick([0, 1, 20, 20]), host: undefined, starts: 0 });
      for (const one of this.#processes) time.after(random.between(0, 200), () => this.#boot(one));
      this.#schedule(weather.kills, () => this.#kill(random.pick(this.#processes).host));
      this.#schedule(weather.standstills, () => this.#standStill());
      this.#schedule(weather.handOvers, () => this.#groups.handOver());
      const wipedAt = this.#queuePeople.areThere && !weather.isCalm && random.chance(0.3) ? random.between(3_000, 9_000) : undefined;
      if (wipedAt !== undefined) this.#wipeScheduler(wipedAt);
      // Delays go on only with a scheduler: some hold slots when the tables are lost, and others wait.
      const some = wipedAt === undefined ? this.#workflows() : [...this.#workflows(), ...Array<WorkflowKey>(12).fill('delay')];
      await this.clients.start(some, wipedAt === undefined ? troubledMs * 0.7 : wipedAt + 8_000);
      await time.runUntil(() => time.now > troubledMs && this.clients.areDone && this.isAtRest, troubledMs + restWithinMs);
      await time.runUntil(() => false, time.now + 2_500);
      await time.runUntil(() => this.isAtRest, time.now + 15_000);
      await this.#collectAll();
      // Somebody may have answered a gate once more meanwhile.
      await time.runUntil(() => this.isAtRest, time.now + 15_000);
      if (!this.isAtRest) this.complain('I14', `not everything was read and stored: ${this.#standings()}`);
    } finally {
      for (const { host } of this.#processes) this.#end(host);
      this.#steady.end();
      await time.runUntil(() => true, time.now);
      restore();
    }
  }

  /** All that is on the log is decided, projected, scheduled and stored. */
  get isAtRest(): boolean {
    const { broker, tables } = this;
    const isStored = [...this.history.byExecution].every(([id, facts]) => tables.engine_state.get(id)?.version === facts.at(-1)?.version);
    if (!isStored || tables.scheduler_successions.size > 0) return false;
    const standings = [...this.engines.values()].flatMap((engine) => engine.standings());
    return [0, 1].every((partition) => {
      const commands = broker.records('execution-commands', partition).length;
      const events = broker.records('execution-events', partition).length;
      const owner = standings.find((one) => one.partition === partition && one.ready);
      return (
        owner?.nextCommand === commands &&
        owner.unstored === 0 &&
        tables.projection_progress.get(partition)?.offset === events &&
        tables.scheduler_progress.get(partition)?.next_offset === events
      );
    });
  }

  /** Senders send again what they are not sure of: an admission may come once more when it is long past. */
  #echo({ topic, partition, key, value }: LogRecord): void {
    if (this.time.now > troubledMs || !value.includes('"AdmitExecution"') || !this.random.chance(0.3)) return;
    this.time.after(this.random.between(0, 9_000), () => void this.broker.append(topic, partition, [{ key, value }]));
  }

  #standings(): string {
    const of = (rows: ReadonlyMap<number, Record<string, unknown>>, column: string): string =>
      [...rows].map(([partition, row]) => `p${partition}=${String(row[column])}`).join(' ');
    const ends = [0, 1].map(
      (partition) => `p${partition} ${this.broker.records('execution-commands', partition).length}/${this.broker.records('execution-events', partition).length}`,
    );
    const engines = [...this.engines.values()].flatMap((engine) => engine.describe());
    return `log ${ends.join(' ')}; ${engines.join('; ')}; projection ${of(this.tables.projection_progress, 'offset')}; scheduler ${of(this.tables.scheduler_progress, 'next_offset')}`;
  }

  #note(record: LogRecord): void {
    const command = decodeJson<ExecutionCommand>(record);
    if (command.type === 'CompleteNode' && command.begins) this.#intents.add(`${command.id} ${command.begins.node}`);
  }

  /** A node begun ahead has its start on the log. */
  #act(effect: Effect): void {
    this.effects.push(effect);
    const { node, executionId, begunBy } = effect;
    if (begunBy !== undefined && !this.#intents.has(`${begunBy} ${node}`)) this.complain('L1', `node '${node}' of '${executionId}' has begun before its start was on the log`);
  }

  complain(check: string, because: string): void {
    if (this.complaints.length < 50) this.complaints.push(`${check}: ${because}`);
  }

  #workflows(): WorkflowKey[] {
    const { random } = this;
    const some: WorkflowKey[] = Array.from({ length: random.whole(2, 7) }, () =>
      random.pick(['chain', 'leg', 'leg', 'fork', 'gate', 'question', 'delay', 'once', 'once', 'keyed', 'asking', 'declared', 'timed', 'agent', 'agent', 'agent'] as const),
    );
    if (this.#queuePeople.areThere) for (let more = random.whole(0, 8); more > 0; more--) some.push(random.pick(['chain', 'gate', 'question', 'delay'] as const));
    if (this.seed % 4 === 0) some.push('heavy');
    if (this.seed % 3 === 0) some.push('agents');
    if (!random.chance(0.08)) return some;
    this.weather.roughenAppends();
    return [...some, 'wide'];
  }

  #schedule(times: number, trouble: () => void): void {
    for (; times > 0; times--) this.time.after(this.random.between(100, troubledMs), trouble);
  }

  #logOf(host: Host): SimulatedLog {
    return new SimulatedLog(host, this.broker, this.#groups, (error) => this.complain('halted', error instanceof Error ? error.message : String(error)));
  }

  /**
   * The scheduler's tables are lost; it builds them again from the log. Nobody holds it up, so nothing may be on its way to the engine by
   * then: the schedulers are down until the last call of theirs has landed.
   */
  #wipeScheduler(atMs: number): void {
    const schedulers = this.#processes.filter(({ station }) => station === 'scheduler');
    const wipe = (): void => {
      if (!this.#isDecided) {
        this.time.after(500, wipe);
        return;
      }
      for (const [name, rows] of Object.entries(this.tables)) if (name.startsWith('scheduler_')) (rows as Map<unknown, unknown>).clear();
      this.#queueChecks.rebuild([0, 1].map((partition) => this.broker.records('execution-events', partition).length));
      this.#isWiping = false;
      for (const one of schedulers) this.#boot(one);
    };
    this.time.after(atMs, () => {
      this.#isWiping = true;
      for (const { host } of schedulers) {
        this.#end(host);
        if (host) this.time.after(1_000, () => this.#groups.lost(host), true);
      }
      this.time.after(11_000, wipe);
    });
  }

  get #isDecided(): boolean {
    const standings = [...this.engines.values()].flatMap((engine) => engine.standings());
    return [0, 1].every((partition) => {
      const owner = standings.find((one) => one.partition === partition && one.ready);
      return owner?.nextCommand === this.broker.records('execution-commands', partition).length;
    });
  }

  #boot(one: Process): void {
    if (this.#isWiping && one.station === 'scheduler') return;
    const name = `${one.station}-${this.#processes.indexOf(one)}.${++one.starts}`;
    const host = new Host(name, this.time, this.weather, (dead) => this.#kill(dead), true);
    one.host = host;
    const log = this.#logOf(host);
    const database = databaseOf(host, this.#server);
    const logger = this.#loggerOf(name);
    const failed = (error: unknown): void => {
      if (host.isAlive) this.complain('start', error instanceof Error ? error.message : String(error));
    };
    if (one.station === 'commands') {
      const engine = new CommandsService({
        log,
        database,
        catalog: catalog as Pick<Catalog, 'workflowVersion'>,
        artifacts: artifactsOf(host, this.shelf),
        logger,
        limits: { executions: one.limit, bytes: 64 * 1024 * 1024 },
        legs: one.legs,
      });
      this.engines.set(host, engine);
      host.atEnd(() => this.engines.delete(host));
      engine.start().catch(failed);
    } else if (one.station === 'scheduler') {
      const onFatal = (error: Error): void => this.complain('halted', error.message);
      const scheduler = new SchedulerService({ log, database, definitions: catalog, logger, heartbeatTimeoutMs: 3_000, onFatal });
      host.atEnd(() => void scheduler.stop().catch(nothing));
      scheduler.start().catch(failed);
    } else if (one.station === 'queries') {
      const projection = new ExecutionProjection({ log, database, catalog: catalog as Catalog, logger, progress: new Progress(database, 'executions') });
      projection.start().catch(failed);
      setInterval(() => void this.#collect(host, graceMs).catch(nothing), 3_000);
    } else {
      const around = {
        random: this.random.fork(),
        artifacts: artifactsOf(host, this.shelf),
        isTroubled: () => this.time.now < troubledMs,
        act: (effect: Effect) => this.#act(effect),
        call: (seen: SeenCall) => void this.calls.push(seen),
      };
      const runner = new SimulatedRunner(name, log, around);
      host.atEnd(() => runner.die());
      runner.start().catch(failed);
    }
  }

  /** `kill -9`; the group notices after a while, and somebody starts it again. */
  #kill(host: Host | undefined): void {
    const one = this.#processes.find((each) => each.host === host);
    if (!host?.isAlive || !one) return;
    this.#end(host);
    this.time.after(this.random.chance(0.4) ? this.random.between(1, 100) : this.random.between(100, 4_000), () => this.#groups.lost(host), true);
    this.time.after(this.random.between(50, 3_000), () => this.#boot(one));
  }

  #end(host: Host | undefined): void {
    host?.end();
  }

  /** SIGSTOP and, later, SIGCONT; when it lasts, the group takes its partitions away meanwhile. */
  #standStill(): void {
    const station = this.random.pick(['commands', 'commands', 'runner', 'scheduler', 'queries'] as const);
    const some = this.#processes.filter((one) => one.station === station);
    const { host } = this.random.pick(some);
    if (!host?.isAlive) return;
    const ms = this.random.between(100, 9_000);
    host.wakesAt = Math.max(host.wakesAt, this.time.now + ms);
    if (ms > 2_000) this.time.after(ms * this.random.between(0.3, 0.9), () => host.isAlive && this.#groups.lost(host));
  }

  #collect(host: Host, graceMs: number): Promise<unknown> {
    return collect({ sql: databaseOf(host, this.#server), log: this.#logOf(host), artifacts: artifactsOf(host, this.shelf), graceMs, now: Date.now() });
  }

  /** What nothing refers to is gone once it is old enough. */
  async #collectAll(): Promise<void> {
    let isDone = false;
    const collecting = this.#collect(this.#steady, 0).finally(() => (isDone = true));
    await this.time.runUntil(() => isDone, this.time.now + 15_000);
    await collecting;
  }

  #loggerOf(name: string): Logger {
    const line =
      (level: string) =>
      (fields: { err?: Error } & object, text?: string): void => {
        if (this.isWatched) this.lines.push(`${this.time.now.toFixed(1)} ${name} ${level} ${text ?? ''} ${fields.err?.message ?? ''}`);
      };
    return { trace: nothing, debug: nothing, info: line('info'), warn: line('warn'), error: line('error'), fatal: line('fatal') } as unknown as Logger;
  }
}
