/**
 * Colours. What is painted carries a secret of this process in its escape sequences, and `revealed`,
 * as the last step of every output, lets only those pass, on a terminal that has colours. So all else
 * can be escaped there, whatever it looks like: a topic cannot colour, hide or move anything.
 */
import { randomInt } from 'node:crypto';
import { escaped, UNPRINTABLE } from '../ledger/text.js';

const STYLES = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
} as const;

type Paint = (text: string) => string;
type Paints = Readonly<Record<keyof typeof STYLES, Paint>>;

/** Those who measure text take it for a part of the sequence, and no style by its first number. */
const SECRET = Array.from({ length: 3 }, () => randomInt(1_000, 10_000)).join(';');
const OURS_OR_UNPRINTABLE = new RegExp(`\\u001b\\[${SECRET};(\\d+)m|${UNPRINTABLE}`, 'g');

type Output = NodeJS.WriteStream;

/** By its own word, and NO_COLOR, FORCE_COLOR and TERM. */
function hasColours(stream: Output): boolean {
  return stream.isTTY === true && stream.hasColors();
}

/** Where nothing has colours, text stays as it is. */
export const isPainting = hasColours(process.stdout) || hasColours(process.stderr);

export function paints(enabled: boolean): Paints {
  const paint =
    ([on, off]: readonly [number, number]): Paint =>
    (text) =>
      enabled ? `\u001b[${SECRET};${on}m${text}\u001b[${SECRET};${off}m` : text;
  return {
    bold: paint(STYLES.bold),
    dim: paint(STYLES.dim),
    red: paint(STYLES.red),
    green: paint(STYLES.green),
    yellow: paint(STYLES.yellow),
    cyan: paint(STYLES.cyan),
  };
}

export const paint = paints(isPainting);

/** `text` as it may be written to `stream`: nothing in it acts but line feeds, tabs, and our colours. */
export function revealed(text: string, stream: Output): string {
  const colours = hasColours(stream);
  return text.replace(OURS_OR_UNPRINTABLE, (found: string, style: string | undefined) => {
    if (style === undefined) return escaped(found);
    return colours ? `\u001b[${style}m` : '';
  });
}
