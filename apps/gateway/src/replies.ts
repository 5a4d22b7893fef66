import { type Batch, decodeJson, type EventLog, type Subscription } from '@runlog/event-log';
import type { Reply } from '@runlog/execution';
import type { Logger } from '@runlog/platform';

const UNAWAITED_APART_MS = 20;

export type CommandReply = Extract<Reply, { commandId: string }>;

/** This instance's inbox on `command-replies`: refusals, and commands that had been carried out before. */
export class Replies {
  private readonly waiting = new Map<string, (reply: CommandReply) => void>();
  private subscription: Subscription | undefined;

  constructor(
    private readonly log: EventLog,
    readonly inbox: string,
    private readonly logger: Logger,
  ) {}

  async start(): Promise<void> {
    this.subscription = await this.log.tail({
      topic: 'command-replies',
      start: async () => 'end',
      apartMs: () => (this.waiting.size > 0 ? 0 : UNAWAITED_APART_MS),
      onBatch: async (batch) => this.read(batch),
    });
  }

  async stop(): Promise<void> {
    await this.subscription?.stop();
    this.subscription = undefined;
  }

  /** Until the returned function is called. */
  expect(commandId: string, onReply: (reply: CommandReply) => void): () => void {
    this.waiting.set(commandId, onReply);
    return () => this.waiting.delete(commandId);
  }

  private read({ records }: Batch): void {
    for (const record of records) {
      if (record.key !== this.inbox) continue;
      try {
        const reply = decodeJson<Reply>(record);
        if ('commandId' in reply) this.waiting.get(reply.commandId)?.(reply);
      } catch (error) {
        this.logger.error({ err: error, partition: record.partition, offset: record.offset }, 'a reply cannot be decoded');
      }
    }
  }
}
