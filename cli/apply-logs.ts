/** The logs of the topics that `apply` looks after, in the sealer's memory. */

import { SealstreamError } from '../ledger/error.js';
import { formatOrigin } from '../ledger/origin.js';
import { startLog } from '../sealer/start-log.js';
import type { Memory } from '../store/memory.js';
import { readSlot } from '../store/slot.js';
import type { Stream, TopicDescription } from '../stream/stream.js';

export interface AppliedLog {
  readonly topic: string;
  readonly partition: number;
  readonly state: 'started' | 'known' | 'refused';
  readonly reason: string | null;
}

/** Starts logs as soon as their partitions are there, and remembers which. */
export class LogStarter {
  readonly #stream: Stream;
  readonly #memory: Memory | null;
  readonly #ledger: string;
  readonly #logs = new Map<string, AppliedLog>();

  /** Without a memory this machine does not seal, and no log is started. */
  constructor(stream: Stream, memory: Memory | null, ledger: string) {
    this.#stream = stream;
    this.#memory = memory;
    this.#ledger = ledger;
  }

  /** Those at and above `createdFrom` were made by this very call: only they may be started. */
  async take(description: TopicDescription, createdFrom: number): Promise<void> {
    const { topic, partitions } = description;
    if (this.#memory === null) return;
    for (let partition = 0; partition < partitions; partition += 1) {
      const key = `${topic}/${partition}`;
      if (this.#logs.get(key)?.state === 'started') continue;
      const created = partition >= createdFrom;
      const found = await this.#one(this.#memory, description, partition, created);
      this.#logs.set(key, { topic, partition, ...found });
    }
  }

  of(topic: string): AppliedLog[] {
    return [...this.#logs.values()].filter((log) => log.topic === topic);
  }

  async #one(
    memory: Memory,
    { topic, topicId }: TopicDescription,
    partition: number,
    created: boolean,
  ): Promise<Pick<AppliedLog, 'state' | 'reason'>> {
    const ledger = this.#ledger;
    const slot = await readSlot(memory, { ledger, topic, partition });
    const origin = formatOrigin({ ledger, topic, topicId, partition });
    if (slot?.record.origin === origin) return { state: 'known', reason: null };
    if (slot !== null) {
      const reason = `the memory holds another log, ${slot.record.origin}; run adopt to seal this one`;
      return { state: 'refused', reason };
    }
    if (!created) {
      const reason = 'the topic existed and the memory does not know it; run adopt to seal it';
      return { state: 'refused', reason };
    }
    try {
      const identity = { topic, topicId };
      await startLog({ stream: this.#stream, memory, ledger, topic: identity, partition });
      return { state: 'started', reason: null };
    } catch (error) {
      if (!(error instanceof SealstreamError) || error.code !== 'memory-conflict') throw error;
      return { state: 'refused', reason: error.message };
    }
  }
}
