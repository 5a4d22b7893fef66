import type { EventLog, OwnedPartition } from '@runlog/event-log';

/** Wraps a log so that its owners can be frozen before an append, as a process is that the machine has stopped. */
export const holding = (): { wrap(log: EventLog): EventLog; hold(): void; letThrough(appends: number): void; release(): void; readonly held: number } => {
  let gate: { readonly opened: Promise<void>; open(): void } | undefined;
  let held = 0;
  let free = Number.POSITIVE_INFINITY;
  const freeze = (owned: OwnedPartition): OwnedPartition =>
    new Proxy(owned, {
      get(target, member) {
        if (member === 'append')
          return async (...args: Parameters<OwnedPartition['append']>) => {
            if (gate && free-- <= 0) {
              held++;
              await gate.opened;
            }
            return target.append(...args);
          };
        const value: unknown = Reflect.get(target, member, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  return {
    wrap: (log) =>
      new Proxy(log, {
        get(target, member) {
          if (member === 'own') return (options: Parameters<EventLog['own']>[0]) => target.own({ ...options, run: (owned) => options.run(freeze(owned)) });
          const value: unknown = Reflect.get(target, member, target);
          return typeof value === 'function' ? value.bind(target) : value;
        },
      }),
    hold() {
      this.letThrough(0);
    },
    letThrough(appends) {
      free = appends;
      const { promise: opened, resolve: open } = Promise.withResolvers<void>();
      gate = { opened, open };
    },
    release() {
      gate?.open();
      gate = undefined;
    },
    get held() {
      return held;
    },
  };
};
