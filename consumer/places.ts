/**
 * Places of a log to seek to once it has been walked. A reader in order is handed what stands in
 * order in the broker's files; one that seeks is led there by an index that nothing signs. So while a
 * log is walked some of its batches are noted, each with the chain before and behind it: whatever is
 * handed out there later must lead from the one to the other (FORMAT §3).
 *
 * Noted are the batches on both sides of each fetch and of each checkpoint, and a random sample of
 * all, which nobody who prepared the files could foresee.
 */
import { randomInt } from 'node:crypto';
import type { Hash } from '../ledger/hash.js';
import type { LogState } from '../ledger/log.js';

/** How many batches of a partition are chosen at random; `all`: every one is. */
export type Probes = number | 'all';
export const DEFAULT_PROBES = 256;

/** One batch as it was walked: its records in [from, to) lead from `before` to `behind`. */
export interface Place {
  /** null: where the batch begins and ends is not known, but for one record of it. */
  readonly base: bigint | null;
  readonly next: bigint;
  readonly from: bigint;
  readonly to: bigint;
  readonly before: Hash;
  readonly behind: Hash;
  readonly sizeInBytes: number;
}

/** A seek to `offset`, and the batches that must be handed out there, as far as they come at once. */
export interface Probe {
  readonly offset: bigint;
  readonly places: readonly Place[];
  /**
   * Whether the report counts it: one for each checkpoint and each batch of the sample, whoever
   * walks. How many fetches it takes to read a log is another matter each time.
   */
  readonly isCounted: boolean;
}

/** The first batch that a stretch of the walk noted, and the last one. */
export interface Ends {
  readonly first: Place | null;
  readonly last: Place | null;
}

/** Where a batch stands in the walk: the first or last of a fetch, at or around a checkpoint. */
export interface Edges {
  readonly isFirst: boolean;
  readonly isLast: boolean;
  /** The checkpoint's `next`; null: none. */
  readonly boundary: bigint | null;
}

/** What `begin` found out of a batch that is noted. */
export interface Begun {
  readonly before: Hash;
  /** Its place in the sample; null: none. */
  readonly slot: number | null;
}

export class Places {
  readonly #most: number;
  readonly #sample: Place[] = [];
  #probes: Probe[] = [];
  #first: Place | null = null;
  /** The last batch that the fetch before this one brought. */
  #last: Place | null = null;
  /** Batches seen, and the number of the next one that is sampled (Li's algorithm L). */
  #seen = 0;
  #chosen = 1;
  #weight = 1;

  constructor(probes: Probes) {
    this.#most = probes === 'all' ? Number.POSITIVE_INFINITY : probes;
  }

  /** Probes that need not wait for the end of the walk. */
  get ready(): number {
    return (
      this.#probes.length + (this.#most === Number.POSITIVE_INFINITY ? this.#sample.length : 0)
    );
  }

  get ends(): Ends {
    return { first: this.#first, last: this.#last };
  }

  /** For each batch before it is hashed into `state`; null: it is not noted. */
  begin(state: LogState, edges: Edges): Begun | null {
    const slot = this.#nextSlot();
    const isEdge = edges.isFirst || edges.isLast || edges.boundary !== null;
    return slot !== null || isEdge ? { before: state.chain, slot } : null;
  }

  add(place: Place, slot: number | null, edges: Edges): void {
    if (edges.isFirst) this.#join(place);
    if (edges.isLast) this.#last = place;
    if (edges.boundary !== null) this.seek(edges.boundary, place);
    if (slot !== null) this.#sample[slot] = place;
  }

  /** As if the stretch that follows, which others walked, had been walked here. */
  follow({ first, last }: Ends): void {
    if (first !== null) this.#join(first);
    this.#last = last;
  }

  /** What is noted next does not follow what was noted before. */
  leap(): void {
    const last = this.#last;
    if (last !== null)
      this.#probes.push({ offset: lastOf(last), places: [last], isCounted: false });
    this.#last = null;
  }

  seek(offset: bigint, place: Place): void {
    this.#probes.push({ offset, places: [place], isCounted: true });
  }

  /** The probes that are ready, by offset; at the end of the walk all of them. */
  take(isEnd: boolean): Probe[] {
    if (isEnd) this.leap();
    const probes = this.#probes;
    this.#probes = [];
    if (isEnd || this.#most === Number.POSITIVE_INFINITY) {
      for (const place of this.#sample.splice(0)) probes.push(...probesOf(place));
    }
    return probes.sort((a, b) => (a.offset < b.offset ? -1 : Number(a.offset > b.offset)));
  }

  /** Two that follow one another but came apart: asked for at once, so does what is between them. */
  #join(place: Place): void {
    this.#first ??= place;
    const before = this.#last;
    if (before === null) return;
    this.#probes.push({ offset: before.from, places: [before, place], isCounted: false });
  }

  #nextSlot(): number | null {
    this.#seen++;
    if (this.#sample.length < this.#most && this.#seen === this.#chosen) {
      // The slots up to the last one are filled in order; `add` follows at once.
      this.#chosen++;
      if (this.#seen === this.#most) this.#skip();
      return this.#sample.length;
    }
    if (this.#seen !== this.#chosen || this.#most === 0) return null;
    this.#skip();
    return randomInt(this.#most);
  }

  #skip(): void {
    this.#weight *= Math.exp(Math.log(random()) / this.#most);
    this.#chosen = this.#seen + 1 + Math.floor(Math.log(random()) / Math.log1p(-this.#weight));
  }
}

/** To the end of the batch, where any index entry within it leads astray, and to any of its offsets. */
function probesOf(place: Place): Probe[] {
  const last = lastOf(place);
  const within = last - place.from;
  const places = [place];
  const atEnd = { offset: last, places, isCounted: true };
  if (within === 0n) return [atEnd];
  const offset = place.from + BigInt(randomInt(Number(within)));
  return [{ offset, places, isCounted: false }, atEnd];
}

/** The last offset that a seek is led to this batch by; its sealed part ends earlier, maybe. */
function lastOf({ from, to, next }: Place): bigint {
  const end = to > from ? to : next;
  return end - 1n;
}

/** In (0, 1). */
function random(): number {
  return (randomInt(2 ** 40) + 0.5) / 2 ** 40;
}
