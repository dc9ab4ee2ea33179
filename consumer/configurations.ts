/** Which configuration the checkpoints of one log name, in the order of the checkpoints. */
import type { Checkpoint } from '../ledger/checkpoint.js';
import { configurationLine } from '../ledger/configuration-line.js';

/** Of one log; what comes after is counted. */
const MOST_RUNS = 1_000;
/** Characters of a line that names no configuration. */
const LONGEST_TEXT = 200;

export interface NamedAt {
  readonly size: bigint;
  readonly next: bigint;
  /** Milliseconds since 1970, UTC. */
  readonly time: number;
}

/** From this checkpoint on another configuration is named than before. */
export interface NamedChange extends NamedAt {
  /** Hash; null: none is named. */
  readonly config: string | null;
  /** What the line says where that is no hash, cut off after 200 characters; else null. */
  readonly text: string | null;
}

/** Checkpoints without one in between that names another configuration, as far as they were seen. */
interface Run {
  /** What the line says; null: there is none. */
  readonly text: string | null;
  readonly hash: string | null;
  first: NamedAt;
  last: NamedAt;
}

/**
 * Takes checkpoints in any order: a topic may show them late, and again. What is kept grows with the
 * changes alone, not with the checkpoints.
 */
export class Configurations {
  readonly #runs: Run[] = [];
  #dropped = 0;

  /** Changes that were too many to be kept; the newest always is. */
  get dropped(): number {
    return this.#dropped;
  }

  add(checkpoint: Checkpoint): void {
    const line = configurationLine(checkpoint);
    const { size, next, time } = checkpoint;
    const at = { size, next, time };
    const text = line === null ? null : line.text.slice(0, LONGEST_TEXT);
    const newest = this.#runs.at(-1);
    if (newest !== undefined && compare(at, newest.last) < 0) {
      this.#insert(at, text, line?.hash ?? null);
    } else if (newest !== undefined && newest.text === text) {
      newest.last = at;
    } else {
      if (this.#runs.length === MOST_RUNS) this.#drop();
      this.#runs.push(runOf(at, text, line?.hash ?? null));
    }
  }

  /** That the first checkpoints name none is no change. */
  changes(): NamedChange[] {
    const runs = this.#runs[0]?.text === null ? this.#runs.slice(1) : this.#runs;
    return runs.map(({ first, hash, text }) => {
      return { config: hash, text: hash === null ? text : null, ...first };
    });
  }

  #drop(): void {
    this.#runs.pop();
    this.#dropped += 1;
  }

  /** A checkpoint that is older than the newest one. */
  #insert(at: NamedAt, text: string | null, hash: string | null): void {
    const index = this.#indexOf(at);
    const run = this.#runs[index];
    if (run === undefined || run.text === text) {
      if (run !== undefined && compare(at, run.first) < 0) run.first = at;
      return;
    }
    const before = this.#runs[index - 1];
    const isInside = compare(run.first, at) <= 0;
    if (!isInside && before?.text === text) {
      before.last = at;
      return;
    }
    if (this.#runs.length + (isInside ? 2 : 1) > MOST_RUNS) {
      this.#dropped += 1;
      return;
    }
    const parts = [runOf(at, text, hash)];
    if (isInside) {
      // Of the checkpoints of a run only the first and the last are known any more.
      const { first, last } = run;
      if (compare(first, at) < 0) parts.unshift(runOf(first, run.text, run.hash));
      if (compare(at, last) < 0) parts.push(runOf(last, run.text, run.hash));
    }
    this.#runs.splice(index, isInside ? 1 : 0, ...parts);
  }

  /** Of the first run that ends at or after `at`. */
  #indexOf(at: NamedAt): number {
    let [low, high] = [0, this.#runs.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      const run = this.#runs[middle];
      if (run !== undefined && compare(run.last, at) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** A copy of the text: a slice of it would hold the whole note in memory. */
function runOf(at: NamedAt, text: string | null, hash: string | null): Run {
  const copy = text === null ? null : Buffer.from(text).toString();
  return { text: copy, hash: hash === null ? null : copy, first: at, last: at };
}

/** By (size, time), as heads are. */
function compare(a: NamedAt, b: NamedAt): number {
  if (a.size !== b.size) return a.size < b.size ? -1 : 1;
  return a.time - b.time;
}
