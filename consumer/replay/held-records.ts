/**
 * The records between two checkpoints, held back until the second one has vouched for them. Memory
 * is bounded: of a longer interval only the chain at every few megabytes is kept; its records are
 * then read once more, hashed again, and handed out part by part as each reaches the same chain.
 */
import type { LogState } from '../../ledger/log.js';
import type { RecordBatch } from '../../stream/stream.js';
import { Points } from '../signed-checkpoints.js';
import type { Source } from '../source.js';
import { type Finding, finding } from '../verdict.js';
import { walk } from '../walk.js';

/** Records [from, to) of a batch. */
export interface Slice {
  readonly batch: RecordBatch;
  readonly from: number;
  readonly to: number;
}

export class Interval {
  readonly #source: Source;
  readonly #limit: number;
  /** The state where the interval begins. */
  #start: LogState;
  #slices: Slice[] = [];
  #bytes = 0;
  #lastBuffer: ArrayBufferLike | null = null;
  #marks = new Points();

  /** `limit`: bytes of batches to hold. */
  constructor(source: Source, start: LogState, limit: number) {
    this.#source = source;
    this.#start = start.clone();
    this.#limit = limit;
  }

  /** `state` has hashed the slice. */
  add(slice: Slice, state: LogState): void {
    this.#slices.push(slice);
    // Batches of one answer share its buffer, and each of them keeps all of it alive.
    const { buffer } = slice.batch.bytes;
    if (buffer !== this.#lastBuffer) this.#bytes += buffer.byteLength;
    this.#lastBuffer = buffer;
    if (this.#bytes < this.#limit) return;
    this.#marks.add(
      {
        size: state.size,
        next: state.next,
        chain: state.chain,
        root: state.root(),
      },
      0n,
    );
    this.#release();
  }

  /** Everything held, vouched for by now; `state` is where the next interval begins. */
  async *take(state: LogState): AsyncGenerator<Slice, Finding | null> {
    const changed = yield* this.#readAgain();
    if (changed !== null) return changed;
    yield* this.#slices;
    this.restart(state);
    return null;
  }

  restart(state: LogState): void {
    this.#start = state.clone();
    this.#marks = new Points();
    this.#release();
  }

  async *#readAgain(): AsyncGenerator<Slice, Finding | null> {
    const marks = this.#marks;
    if (marks.length === 0) return null;
    const state = this.#start.clone();
    const until = marks.nextOf(marks.length - 1);
    let part: Slice[] = [];
    for await (const step of walk(this.#source, state, marks, 0, until)) {
      if (step.kind === 'records') part.push(step);
      if (step.kind === 'agrees') {
        yield* part;
        part = [];
      }
      if (step.kind === 'differs') {
        const from = part[0]?.batch.offsets[part[0].from] ?? this.#start.next;
        const message =
          `${this.#source.place}: a second reading of offsets ${from} to ${step.point.next - 1n} gave ` +
          'other records than the first, which had been verified';
        return finding('record-altered', message, from, step.point.next);
      }
    }
    return null;
  }

  #release(): void {
    this.#slices = [];
    this.#bytes = 0;
    this.#lastBuffer = null;
  }
}
