/**
 * The time of a checkpoint (FORMAT §5): UTC, to the millisecond, in one form only. Date.parse takes
 * many forms and rolls some impossible days over; only what prints again as the same text is taken.
 */
import { malformed } from './error.js';
import { quote } from './text.js';

const EARLIEST = Date.parse('0000-01-01T00:00:00.000Z');
const LATEST = Date.parse('9999-12-31T23:59:59.999Z');
const ZERO = '0'.charCodeAt(0);
const FORM = /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$/;

/** Milliseconds since 1970 as YYYY-MM-DDTHH:MM:SS.sssZ. Throws `malformed` outside years 0–9999. */
export function formatTime(time: number): string {
  if (Number.isInteger(time) && time >= EARLIEST && time <= LATEST) {
    return new Date(time).toISOString();
  }
  throw malformed(`${time} is no time in milliseconds between the years 0 and 9999`);
}

/** Milliseconds since 1970. Throws `malformed` on any other form and on days that do not exist. */
export function parseTime(text: string): number {
  if (FORM.test(text)) {
    const time = Date.parse(text);
    // Only a day that its month does not have, and 24:00, come out as another day.
    const day = 10 * (text.charCodeAt(8) - ZERO) + text.charCodeAt(9) - ZERO;
    if (!Number.isNaN(time) && new Date(time).getUTCDate() === day) return time;
  }
  throw malformed(`not a time of the form YYYY-MM-DDTHH:MM:SS.sssZ: ${quote(text)}`);
}
