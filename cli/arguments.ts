/** Parsers of option values; each throws `usage` and names the option. */
import { SealstreamError } from '../ledger/error.js';
import { parseDuration } from '../policy/file/fields.js';

export function wholeNumber(option: string, least: number, most: number) {
  return (text: string): number => {
    const value = /^(0|[1-9][0-9]{0,15})$/.test(text) ? Number(text) : Number.NaN;
    if (Number.isSafeInteger(value) && value >= least && value <= most) return value;
    throw new SealstreamError(
      'usage',
      `${option} ${text}: expected a whole number from ${least} to ${most}`,
    );
  };
}

const LARGEST_OFFSET = 2n ** 63n - 1n;

export function offset(option: string) {
  return (text: string): bigint => {
    const value = /^(0|[1-9][0-9]{0,18})$/.test(text) ? BigInt(text) : -1n;
    if (value >= 0n && value <= LARGEST_OFFSET) return value;
    throw new SealstreamError('usage', `${option} ${text}: expected an offset: 0, 1, 2, …`);
  };
}

export function duration(option: string) {
  return (text: string): number => {
    const milliseconds = parseDuration(text);
    if (milliseconds !== null) return milliseconds;
    throw new SealstreamError('usage', `${option} ${text}: expected a duration such as 30s or 5m`);
  };
}
