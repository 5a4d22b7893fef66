import { Gauge, type Registry } from '@runlog/platform';
import type { CommandsService } from './commands.service.js';

/** What an operator watches of the engine, read when scraped. */
export const exposeCommands = (registry: Registry, service: Pick<CommandsService, 'standings'>): void => {
  const gauge = (name: string, help: string, value: (standing: ReturnType<CommandsService['standings']>[number]) => number) =>
    new Gauge({
      name,
      help,
      labelNames: ['partition'],
      registers: [registry],
      collect() {
        this.reset();
        for (const standing of service.standings()) this.set({ partition: standing.partition }, value(standing));
      },
    });
  gauge('runlog_commands_ready', 'The partition is owned, its claim read, and commands are decided (1), or not (0)', ({ ready }) => (ready ? 1 : 0));
  gauge('runlog_commands_claim', 'Offset of the claim in force', ({ claim }) => claim);
  gauge('runlog_commands_next_event', 'Offset after the last acknowledged event', ({ nextEvent }) => nextEvent);
  gauge('runlog_commands_next_command', 'Offset of the next command to decide', ({ nextCommand }) => nextCommand);
  gauge('runlog_commands_live_executions', 'Executions in memory', ({ live }) => live);
  gauge('runlog_commands_unstored_executions', 'Executions whose state is newer than the stored one', ({ unstored }) => unstored);
};
