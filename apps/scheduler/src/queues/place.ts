import type { QueueStanding } from '@runlog/execution';

/** Places are numbers: class * 10^15 + milliseconds UTC - head start. Whoever comes back from a suspension is ahead of every newcomer. */
export const NEWCOMER = 1_000_000_000_000_000;
/** From here on nobody is admitted any more: they are about to end. As a head: nobody waits. */
export const DOOMED = 2_000_000_000_000_000;

/** Where an execution stands that waits. It never moves, so that everybody who comes later than its head start stands behind it: nobody starves. */
export const placeOf = ({ again, since, priority }: Pick<QueueStanding, 'again' | 'since' | 'priority'>): number => (again ? 0 : NEWCOMER) + since - Math.round(priority * 1000);
