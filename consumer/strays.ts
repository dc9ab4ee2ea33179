import type { Stray } from '../stream/stream.js';
import { type Finding, finding } from './verdict.js';

/** More are one finding: each is a range that somebody made. */
const MOST_NAMED = 10;

/** Ranges of offsets for which a stream holds more than one thing, merged where they meet. */
export class Strays {
  #ranges: Stray[] = [];

  get isEmpty(): boolean {
    return this.#ranges.length === 0;
  }

  /** Plain data, as threads send it. */
  get ranges(): readonly Stray[] {
    return this.#ranges;
  }

  add(range: Stray): void {
    const meets = ({ from, to }: Stray) => from < range.to && range.from < to;
    const merged = this.#ranges.filter(meets).reduce(union, { from: range.from, to: range.to });
    this.#ranges = [...this.#ranges.filter((other) => !meets(other)), merged];
  }

  /** In the order of their offsets; beyond the first ones, one for all the rest. */
  findings(place: string): Finding[] {
    const ranges = [...this.#ranges].sort((a, b) => (a.from < b.from ? -1 : 1));
    const named = ranges.slice(0, MOST_NAMED);
    const [first, ...rest] = ranges.slice(MOST_NAMED);
    if (first !== undefined) named.push(rest.reduce(union, first));
    return named.map(({ from, to }) => {
      const message =
        `${place}: for offsets ${from} to ${to - 1n} the stream holds more than what was read in ` +
        'order: who comes here by another way is given something else; keep segments and indexes ' +
        'as evidence';
      return finding('batch-corrupt', message, from, to);
    });
  }
}

export function union(a: Stray, b: Stray): Stray {
  let { from, to } = a;
  if (b.from < from) from = b.from;
  if (b.to > to) to = b.to;
  return { from, to };
}
