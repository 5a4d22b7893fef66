import type { ExecutionCommand, RunnerId } from '@runlog/execution';
import type { Book } from './book.js';
import { fireTimer, loseAttempt, remindNode } from './commands.js';
import type { Runners } from './runners.js';
import { slotOf } from './watched.js';

/** A sent command whose effect is not on the log yet is sent again after 5, 10, 20 ... seconds. */
const again = (tries: number, atMostMs: number): number => Math.min(5000 * 2 ** tries, atMostMs);

/** A timer that is never settled has met a fault or owners that are far behind: sending it often helps neither. */
const FIRE_AGAIN_AT_MOST_MS = 600_000;
const REMIND_AGAIN_AT_MOST_MS = 60_000;

/** How soon a reminder that found no runner with a free slot looks again. */
const LOOK_AGAIN_MS = 3000;
/** How soon attempts of a silent runner are given up again; new ones may have come to light. */
const LOSE_AGAIN_MS = 2000;

/** Commands for every timer that is due. It stays armed until its event is read. */
export const dueTimers = (book: Book, now: number, limit: number): ExecutionCommand[] => {
  const commands: ExecutionCommand[] = [];
  while (commands.length < limit) {
    const due = book.timers.take(now);
    if (!due) break;
    const { watched, armed, tries } = due;
    if (!book.holds(watched) || watched.timers.get(slotOf(armed.timer.kind, armed.node)) !== armed) continue;
    commands.push(fireTimer(watched, armed, now));
    book.timers.set(now + again(tries, FIRE_AGAIN_AT_MOST_MS), { watched, armed, tries: tries + 1 });
  }
  return commands;
};

/** Reminders of attempts that nobody has started though a runner has room for them. */
export const dueReminders = (book: Book, runners: Runners, now: number, limit: number): ExecutionCommand[] => {
  const commands: ExecutionCommand[] = [];
  for (let looked = 0; looked < limit; looked++) {
    const due = book.reminders.take(now);
    if (!due) break;
    const { watched, attempt, tries } = due;
    if (!book.holds(watched) || watched.attempts.get(attempt.node) !== attempt) continue;
    if (runners.takeSlot(attempt.kind)) {
      commands.push(remindNode(watched, attempt, tries + 1, now));
      book.reminders.set(now + again(tries, REMIND_AGAIN_AT_MOST_MS), { watched, attempt, tries: tries + 1 });
    } else book.reminders.set(now + LOOK_AGAIN_MS, due);
  }
  return commands;
};

/** Gives up every attempt of each silent runner. `lostAt` remembers when that was last done. */
export const silentRunners = (book: Book, runners: Runners, lostAt: Map<RunnerId, number>, now: number): ExecutionCommand[] => {
  const silent = new Map<RunnerId, number>();
  for (const runner of book.busy.keys()) {
    runners.expect(runner);
    const silentMs = runners.silence(runner);
    if (silentMs === null || now - (lostAt.get(runner) ?? 0) < LOSE_AGAIN_MS) continue;
    silent.set(runner, silentMs);
    lostAt.set(runner, now);
  }
  for (const runner of lostAt.keys()) if (!book.busy.has(runner)) lostAt.delete(runner);
  if (silent.size === 0) return [];
  const commands: ExecutionCommand[] = [];
  for (const watched of book.executions)
    for (const attempt of watched.attempts.values()) {
      const silentMs = attempt.runner === null ? undefined : silent.get(attempt.runner);
      if (attempt.runner !== null && silentMs !== undefined) commands.push(loseAttempt(watched, { ...attempt, runner: attempt.runner }, silentMs, now));
    }
  return commands;
};
