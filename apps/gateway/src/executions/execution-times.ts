import type { ExecutionView } from '@runlog/contract';
import { DateTime } from 'luxon';

const MINUTE_MS = 60_000;

/** Most times of an answer are in the same minute. */
let lastMinute = { minute: Number.NaN, text: '' };

/** Milliseconds UTC as RFC 3339 in UTC. Parts of one, which old events may have, are left out. */
export const utc = (instant: number): string => {
  const at = Math.trunc(instant);
  const minute = Math.floor(at / MINUTE_MS);
  if (minute !== lastMinute.minute) lastMinute = { minute, text: new Date(at).toISOString().slice(0, 17) };
  // Five digits: seconds and milliseconds.
  const rest = String(100_000 + at - minute * MINUTE_MS);
  return `${lastMinute.text}${rest.slice(1, 3)}.${rest.slice(3)}Z`;
};
export const utcOrNull = (at: number | null): string | null => (at === null ? null : utc(at));

/** Creation in the asked zone: with offset and milliseconds, and as a person reads it ("Oct 05, 2025 11:49 pm EDT"). */
export const createdIn = (at: number, zone: string): { created_at: string; created_at_string: string } => {
  if (zone === 'UTC') {
    const text = utc(at);
    return { created_at: text, created_at_string: spokenUtc(text) };
  }
  const local = DateTime.fromMillis(at, { zone, locale: 'en-US' });
  return { created_at: local.toISO() ?? utc(at), created_at_string: spoken(local) };
};

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** The same as `spoken`, of what is already there as `2025-10-05T23:49:00.000Z`. */
const spokenUtc = (text: string): string => {
  const hour = Number(text.slice(11, 13));
  const twelfth = String(hour % 12 || 12).padStart(2, '0');
  return `${months[Number(text.slice(5, 7)) - 1]} ${text.slice(8, 10)}, ${text.slice(0, 4)} ${twelfth}:${text.slice(14, 16)} ${hour < 12 ? 'am' : 'pm'} UTC`;
};

const spoken = (time: DateTime): string => `${time.toFormat('LLL dd, yyyy hh:mm')} ${time.hour < 12 ? 'am' : 'pm'} ${abbreviationAt(time)}`;

/** People abbreviate the zones that they live in, and no others: Berlin's is CEST to the British, and only an offset to Americans. */
const localesInTurn = ['en-US', 'en-GB', 'en-CA', 'en-AU', 'en-NZ', 'en-IN', 'en-ZA'];
const abbreviations = new Map<string, string>();

/** `EDT`, `CEST`; `GMT+9` where no English has a word for it. */
const abbreviationAt = (time: DateTime): string => {
  const place = `${time.zoneName} ${time.offset} ${time.isInDST}`;
  let abbreviation = abbreviations.get(place);
  if (abbreviation === undefined) {
    const words = localesInTurn.map((locale) => time.setLocale(locale).toFormat('ZZZZ'));
    abbreviations.set(place, (abbreviation = words.find((word) => !/\d/.test(word)) ?? (words[0] as string)));
  }
  return abbreviation;
};

/** Durations up to `now`: `completed_at` - `created_at` = `queued_ms` + `duration_ms` once it has ended. */
export const durationsOf = (view: ExecutionView, now: number): { duration_ms: number | null; queued_ms: number; active_ms: number; suspended_ms: number } => {
  const since = Math.max(0, now - view.status_since);
  const active_ms = view.active_ms + (view.status === 'running' ? since : 0);
  const suspended_ms = view.suspended_ms + (view.status === 'suspended' || view.status === 'awaiting_approval' ? since : 0);
  const queuedUntil = view.started_at ?? view.completed_at ?? now;
  return { duration_ms: view.started_at === null ? null : active_ms + suspended_ms, queued_ms: Math.max(0, queuedUntil - view.created_at), active_ms, suspended_ms };
};
