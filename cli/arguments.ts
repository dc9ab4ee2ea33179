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

/** `PORT`, `HOST:PORT` or `[IPV6]:PORT`; without a host it is for the server to say. */
export function listenPlace(option: string) {
  return (text: string): { readonly host?: string; readonly port: number } => {
    const found =
      /^(?:(?<host>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+(?:%\w+)?\]):)?(?<port>\d{1,5})$/.exec(text);
    const { host, port = '' } = found?.groups ?? {};
    if (found !== null && Number(port) <= 65_535) {
      return { ...(host && { host: host.replace(/^\[|\]$/g, '') }), port: Number(port) };
    }
    throw new SealstreamError(
      'usage',
      `${option} ${text}: expected PORT, HOST:PORT or [IPV6]:PORT; 0.0.0.0:PORT is every address`,
    );
  };
}
