import { isDate } from 'node:util/types';

/** ISO 8601 and Date to and from microseconds since 1970 (Avro timestamp-micros). */

const ISO = /^(\d{4})-(\d\d)-(\d\d)T\d\d:\d\d:\d\d(?:\.(\d{1,9}))?(?:Z|[+-]\d\d:\d\d)$/;
const YEAR_10000 = 253_402_300_800_000_000n;

/** null where `value` is no time. Digits below a microsecond are cut off. */
export function microsOf(value: unknown): bigint | null {
  if (isDate(value)) return wholeMicros(Date.prototype.getTime.call(value));
  if (typeof value !== 'string') return null;
  const parts = ISO.exec(value);
  if (parts === null) return null;
  const [, year, month, day, fraction = ''] = parts;
  // Date.parse takes 30 February for 2 March.
  const date = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)));
  if (date.getUTCDate() !== Number(day) || date.getUTCMonth() !== Number(month) - 1) return null;
  const seconds = wholeMicros(Date.parse(value.replace(/\.\d+/, '')));
  return seconds === null ? null : seconds + BigInt(fraction.padEnd(6, '0').slice(0, 6));
}

function wholeMicros(milliseconds: number): bigint | null {
  return Number.isNaN(milliseconds) ? null : BigInt(milliseconds) * 1000n;
}

/** `2026-07-10T11:55:06.000000Z`, or the decimal number where no calendar year has four digits. */
export function isoOf(micros: bigint): string {
  if (micros < 0n || micros >= YEAR_10000) return micros.toString();
  const text = new Date(Number(micros / 1000n)).toISOString();
  return `${text.slice(0, 23)}${(micros % 1000n).toString().padStart(3, '0')}Z`;
}
