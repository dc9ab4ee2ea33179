import { setTimeout as sleep } from 'node:timers/promises';
import { openStream } from '../../stream/open.js';
import { readBounds, readRange } from '../../stream/read.js';
import type { Stream, TopicDescription } from '../../stream/stream.js';
import { type Scene, TOPIC } from './scene.js';

const POLL_MS = 250;
const NEXT = /^next (\d+)$/m;

/** Follows what the sealers publish, and knows how far behind the log that is. */
export class CatchUp {
  readonly #stream: Stream;
  readonly #topic: TopicDescription;
  readonly #checkpoints: TopicDescription;
  readonly #sealed = new Map<number, bigint>();
  #from = 0n;

  private constructor(stream: Stream, topic: TopicDescription, checkpoints: TopicDescription) {
    this.#stream = stream;
    this.#topic = topic;
    this.#checkpoints = checkpoints;
  }

  static async open(scene: Scene): Promise<CatchUp> {
    const stream = await openStream(`kafka://${scene.direct}`);
    const [topic, checkpoints] = await Promise.all([
      stream.describe(TOPIC),
      stream.describe(`${TOPIC}.checkpoints`),
    ]);
    if (topic === null || checkpoints === null) throw new Error('a topic is gone');
    return new CatchUp(stream, topic, checkpoints);
  }

  /** Records beyond what is sealed, now. */
  async lag(): Promise<bigint> {
    const ends: bigint[] = [];
    for (let partition = 0; partition < this.#topic.partitions; partition += 1) {
      ends.push((await readBounds(this.#stream, this.#topic, partition)).highWatermark);
    }
    await this.#read();
    return ends.reduce((sum, end, partition) => {
      const behind = end - (this.#sealed.get(partition) ?? 0n);
      return behind > 0n ? sum + behind : sum;
    }, 0n);
  }

  /** true: everything is sealed; false: it was not within `patienceMs`. */
  async wait(patienceMs: number, signal: AbortSignal): Promise<boolean> {
    const deadline = performance.now() + patienceMs;
    while ((await this.lag()) > 0n) {
      if (performance.now() > deadline) return false;
      await sleep(POLL_MS, undefined, { signal });
    }
    return true;
  }

  async #read(): Promise<void> {
    const { highWatermark: until } = await readBounds(this.#stream, this.#checkpoints, 0);
    const range = { partition: 0, from: this.#from, until };
    for await (const { batches, next } of readRange(this.#stream, this.#checkpoints, range)) {
      for (const batch of batches) {
        for (let index = 0; index < batch.count; index += 1) {
          const { value } = batch.record(index);
          this.#note(value === null ? '' : Buffer.from(value).toString());
        }
      }
      this.#from = next.offset;
    }
  }

  #note(note: string): void {
    const partition = Number(note.slice(0, note.indexOf('\n')).split('/').at(-1));
    const next = BigInt(NEXT.exec(note)?.[1] ?? 0);
    if (next > (this.#sealed.get(partition) ?? 0n)) this.#sealed.set(partition, next);
  }

  close(): Promise<void> {
    return this.#stream.close();
  }
}
