import { placeOf, type SealContext } from './context.js';
import { SealRefused } from './refusal.js';

/** The last millisecond that FORMAT §5 `time` can say. */
const LAST_TIME = Date.UTC(9999, 11, 31, 23, 59, 59, 999);
const DAY_MS = 86_400_000;

/** What the clock of this host says. Throws SealRefused where that is no time that can be signed. */
export function hostTime(log: SealContext): number {
  const now = log.settings.clock.now();
  if (!Number.isSafeInteger(now) || now < 0 || now > LAST_TIME) {
    throw new SealRefused('clock-invalid', `${placeOf(log)}: the clock says ${now} ms: set it`);
  }
  return now;
}

/** What may be signed as `time` now. Throws SealRefused, also where it is ahead of the stream's. */
export function timeToSign(log: SealContext): number {
  const now = hostTime(log);
  if (log.streamClock.isAhead(now)) {
    throw new SealRefused(
      'clock-ahead',
      `${placeOf(log)}: the clock of this host is ${roughly(log.streamClock.ahead(now) ?? 0)} ahead ` +
        "of the stream's, by the LogAppendTime of what was appended last: set it right, or the " +
        "broker's where that one is wrong; nothing is signed meanwhile",
    );
  }
  return now;
}

/** In one unit, so that a refusal reads the same from one look to the next. */
function roughly(milliseconds: number): string {
  if (milliseconds >= 2 * DAY_MS) return `${Math.floor(milliseconds / DAY_MS)} days`;
  const minutes = Math.floor(milliseconds / 60_000);
  return minutes >= 120 ? `${Math.floor(minutes / 60)} hours` : `${minutes} minutes`;
}
