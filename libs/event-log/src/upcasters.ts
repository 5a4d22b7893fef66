import type { Json } from '@runlog/execution';

/** An event as it was once written: type, schema version and data. */
export interface WrittenEvent {
  readonly type: string;
  readonly schemaVersion: number;
  readonly data: Json;
}

/** Lifts one published shape to the next. Pure: the same stored bytes give the same event for ever. */
export type Upcaster = (event: WrittenEvent) => WrittenEvent;

/** Registered by the type and schema version they read. */
export class Upcasters {
  private readonly steps = new Map<string, Upcaster>();

  /** @throws when that shape has an upcaster already: a released one never changes. */
  register(type: string, schemaVersion: number, upcaster: Upcaster): this {
    const shape = `${type}@${schemaVersion}`;
    if (this.steps.has(shape)) throw new Error(`Expected to register an upcaster for '${shape}', but there is one already`);
    this.steps.set(shape, upcaster);
    return this;
  }

  /** The event in the newest shape that the registered steps lead to. */
  lift(event: WrittenEvent): WrittenEvent {
    if (this.steps.size === 0) return event;
    let lifted = event;
    for (let step = this.steps.get(`${lifted.type}@${lifted.schemaVersion}`); step; step = this.steps.get(`${lifted.type}@${lifted.schemaVersion}`)) {
      const next = step(lifted);
      if (next.type === lifted.type && next.schemaVersion <= lifted.schemaVersion)
        throw new Error(`Expected to upcast '${lifted.type}@${lifted.schemaVersion}' to a newer shape, but got '${next.type}@${next.schemaVersion}'`);
      lifted = next;
    }
    return lifted;
  }
}

/** The upcasters of the released events. None yet: every published shape is the current one. */
export const releasedUpcasters = new Upcasters();
