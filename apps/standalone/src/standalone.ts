import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { LoggerService } from '@nestjs/common';
import { Module } from '@nestjs/common';
import { Bodies } from '@runlog/artifacts';
import { CommandsModule, CommandsService, exposeCommands } from '@runlog/commands';
import { priceList } from '@runlog/cost';
import { GatewayModule, GatewayService, openGateway } from '@runlog/gateway';
import { connectBackbone, type Platform, startEmbeddedPostgres } from '@runlog/platform';
import { QueriesModule, QueriesService } from '@runlog/queries';
import { SecretBox, secretKeyIn } from '@runlog/read-model';
import { catalogSecrets, exposeRunner, RunnerModule, RunnerService, storedMemory } from '@runlog/runner';
import { SchedulerModule, SchedulerService } from '@runlog/scheduler';
import { publishSamples } from './samples.js';

/** One person's machine: nodes may talk to what else runs on it, but never to Runlog's own ports. */
const loopback = ['127.0.0.0/8', '::1'];

/** Every station in one process, on an embedded PostgreSQL unless DATABASE_URL names another. Resolves when it is ready for requests. */
export const startStandalone = async (platform: Platform, nest: LoggerService): Promise<{ readonly url: string; readonly adminKey: string }> => {
  const { config, logger, health, metrics, shutdown } = platform;
  const ownPorts = new Set<number>();
  const databaseUrl = config.databaseUrl ?? (await embedded(platform));
  ownPorts.add(Number(new URL(databaseUrl).port || 5432));
  const { log, database, catalog, artifacts } = await connectBackbone(platform, databaseUrl);
  await publishSamples(catalog);

  const halt = (error: unknown) => void shutdown.run(error instanceof Error ? error.message : String(error), 1);
  const commands = new CommandsService({ log, database, catalog, artifacts, logger, legs: config.legs, onHalted: halt });
  exposeCommands(metrics, commands);
  const partitions = log.partitions('execution-commands');
  health.add('commands', () => {
    const ready = commands.standings().filter((standing) => standing.ready).length;
    return ready === partitions || commands.describe().join('; ') || 'no partition owned yet';
  });
  const scheduler = new SchedulerService({ log, database, definitions: catalog, logger, heartbeatTimeoutMs: config.heartbeatTimeoutMs, metrics, onFatal: halt });
  health.add('scheduler', () => scheduler.isCaughtUp || 'reading what was missed');
  const collected = { artifacts, graceMs: config.artifactGraceMs };
  const queries = new QueriesService({ database, log, catalog, collected, framesKeptMs: config.framesKeptMs, traces: config.traces, logger, health, metrics });
  const secrets = new SecretBox(await secretKeyIn(config.home, config.secretKey));
  const settings = { slots: config.runnerSlots, egressAllow: [...loopback, ...config.egressAllow], denyPorts: ownPorts, mcpServers: config.mcpServers };
  const memory = storedMemory(database, log, new Bodies(artifacts));
  const runner = new RunnerService({ log, secrets: catalogSecrets(catalog, secrets), artifacts, memory, prices: priceList(config.prices), logger, settings });
  exposeRunner(metrics, runner);
  const gateway = new GatewayService({ log, reads: queries.reads, catalog, artifacts, sealing: secrets, config, logger, health, metrics });

  @Module({ imports: [CommandsModule.of(commands), SchedulerModule.of(scheduler), QueriesModule.of(queries), RunnerModule.of(runner), GatewayModule.of(gateway)] })
  class StandaloneModule {}
  const app = await openGateway(StandaloneModule, { host: config.host, port: config.port, logger: nest });
  shutdown.add('services', () => app.close());
  ownPorts.add((app.getHttpServer().address() as AddressInfo).port);
  await ready(platform);
  const url = config.publicUrl ?? (await app.getUrl()).replace('[::1]', '127.0.0.1');
  return { url, adminKey: gateway.adminKey.key };
};

const embedded = async ({ config, logger, shutdown }: Platform): Promise<string> => {
  // Without it there is nothing to stop in order: what is acknowledged is on its disk.
  const onLost = (because: string) => {
    logger.fatal({ because }, 'stopping');
    process.stderr.write(`Runlog stops: ${because}. Start it again: it goes on where it was.\n`);
    process.exit(1);
  };
  const postgres = await startEmbeddedPostgres({ dataFolder: join(config.home, 'postgres'), onLost });
  shutdown.add('postgres', () => postgres.stop());
  return postgres.localUrl;
};

/** Long enough to read a log of many millions of records anew, as after an upgrade that changes what is kept of executions at work. */
const readyWithinMs = 1_800_000;
const tellEveryMs = 15_000;

/** Resolves when every check is up, telling what it waits for meanwhile; rejects with the ones that are not when that takes too long. */
const ready = async ({ health }: Platform): Promise<void> => {
  const begun = performance.now();
  for (let told = begun; ; ) {
    const report = await health.report('ready');
    if (report.status === 'up') return;
    const now = performance.now();
    if (now > begun + readyWithinMs) throw new Error(`Expected to be ready within ${readyWithinMs / 60_000} minutes, but ${JSON.stringify(report.checks)}`);
    if (now > told + tellEveryMs) {
      told = now;
      const waits = Object.entries(report.checks).flatMap(([name, { status, detail }]) => (status === 'up' ? [] : [`${name} (${detail ?? status})`]));
      process.stderr.write(`Starting for ${Math.round((now - begun) / 1000)} s, waiting for ${waits.join(', ')} ...\n`);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};
