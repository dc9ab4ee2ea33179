import { VarintReader } from '../ledger/varint.js';
import { partitionFor } from '../stream/default-partitioner.js';

/**
 * Kafka's default: keyed records by murmur2 of the key, so that the order of a key is kept; keyless
 * ones stay with one partition for a batch and then move to the next.
 */
export class Partitioner {
  readonly #partitions: number;
  #sticky: number;

  /** `start` spreads many short-lived publishers; any whole number. */
  constructor(partitions: number, start: number) {
    this.#partitions = partitions;
    this.#sticky = start % partitions;
  }

  /** `body`: FORMAT §2, which begins with the key. */
  choose(body: Uint8Array): number {
    const reader = new VarintReader(body);
    const length = reader.readVarint();
    if (length < 0) return this.#sticky;
    const { position } = reader;
    return partitionFor(body, this.#partitions, position, position + length);
  }

  /** Call when a batch of `partition` is full, or sent. */
  batchFull(partition: number): void {
    if (partition === this.#sticky) this.#sticky = (this.#sticky + 1) % this.#partitions;
  }
}
