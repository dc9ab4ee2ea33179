import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { withAdmin } from '../../test/support/kafka-admin.js';
import type { Crew } from './crew.js';
import { type Scene, TOPIC } from './scene.js';
import {
  type BrokerFault,
  brokerFaults,
  type ConnectionFault,
  connectionFaults,
  type ProcessFault,
  processFaults,
} from './schedule.js';

const IN_SYNC_PATIENCE = 120_000;
const IN_SYNC_POLL = 500;

export interface FaultCounts {
  /** By kind, as the schedule names them. */
  readonly brokers: Record<string, number>;
  readonly connections: Record<string, number>;
  readonly processes: Record<string, number>;
}

/** Lets everything of the schedule happen until its time is over, and heals what it broke. */
export class Storm {
  readonly counts: FaultCounts = { brokers: {}, connections: {}, processes: {} };
  readonly #scene: Scene;
  readonly #crew: Crew;
  readonly #signal: AbortSignal;
  readonly #failed = new AbortController();
  readonly #start = performance.now();
  readonly #end: number;

  constructor(scene: Scene, crew: Crew, durationMs: number, signal: AbortSignal) {
    this.#scene = scene;
    this.#crew = crew;
    this.#signal = AbortSignal.any([signal, this.#failed.signal]);
    this.#end = this.#start + durationMs;
  }

  /** Resolves once the last fault is healed: brokers in sync, processes running, proxies quiet. */
  async rage(seed: number): Promise<void> {
    const { brokers } = this.#scene;
    const lanes = [
      this.#lane(brokerFaults(seed, brokers), (fault) => this.#broker(fault)),
      this.#lane(connectionFaults(seed, brokers), (fault) => this.#connection(fault)),
      this.#lane(processFaults(seed), (fault) => this.#process(fault)),
    ];
    // What one cannot do ends them all, and nothing goes on behind the caller's back.
    for (const lane of lanes) lane.catch((error: unknown) => this.#failed.abort(error));
    const ends = await Promise.allSettled(lanes);
    for (const end of ends) if (end.status === 'rejected') throw this.#signal.reason;
    for (const proxy of this.#scene.proxies) proxy.heal();
    this.#tell('healed', {});
  }

  async #lane<T extends { gapMs: number }>(
    faults: Iterator<T>,
    happen: (fault: T) => Promise<void>,
  ): Promise<void> {
    for (;;) {
      const next = faults.next();
      if (next.done === true) return;
      await this.#sleep(next.value.gapMs);
      if (performance.now() >= this.#end) return;
      await happen(next.value);
    }
  }

  /** One broker at a time, and the next only once all replicas are in sync: min ISR holds. */
  async #broker(fault: BrokerFault): Promise<void> {
    const node = this.#scene.cluster.node(fault.broker);
    this.#happened('brokers', fault.kind, fault);
    if (fault.kind === 'freeze') {
      node.freeze();
      await this.#sleep(fault.forMs);
      node.thaw();
    } else {
      await (fault.kind === 'kill' ? node.kill() : node.stop());
      await this.#sleep(fault.forMs);
      await node.start();
    }
    await this.#inSync();
    this.#tell('in sync', { broker: fault.broker });
  }

  async #connection(fault: ConnectionFault): Promise<void> {
    const proxy = this.#scene.proxies[fault.broker - 1];
    if (proxy === undefined) throw new Error(`no proxy of broker ${fault.broker}`);
    this.#happened('connections', fault.kind, fault);
    const { onlyProduce, delayMs, forMs } = fault;
    const half = fault.kind !== 'lose-answer';
    if (fault.kind === 'cut-one') proxy.cutOne(forMs / 6001);
    else if (fault.kind === 'cut-all') proxy.cutAll();
    else if (fault.kind === 'delay') proxy.delay(delayMs, forMs);
    else if (fault.kind === 'stall') proxy.stall(forMs);
    else if (fault.kind === 'refuse') proxy.refuse(forMs);
    else if (fault.kind === 'tear-request')
      proxy.setTrap({ direction: 'request', half, onlyProduce });
    else proxy.setTrap({ direction: 'answer', half, onlyProduce });
  }

  async #process({ kind, role, index, forMs }: ProcessFault): Promise<void> {
    const count = this.#crew.count(role);
    // The first of each role lives through everything: its memory is watched.
    const at = kind === 'kill' && count > 1 ? 1 + (index % (count - 1)) : index % count;
    if (kind === 'kill' && count === 1) return;
    this.#happened('processes', `${kind}-${role}`, { kind, role, index: at, forMs });
    if (kind === 'freeze') {
      const child = this.#crew.child(role, at);
      child.freeze();
      await this.#sleep(forMs);
      child.thaw();
    } else {
      await this.#crew.kill(role, at);
      await this.#sleep(forMs);
      this.#crew.restart(role, at);
    }
  }

  async #inSync(): Promise<void> {
    const deadline = performance.now() + IN_SYNC_PATIENCE;
    for (;;) {
      const missing = await this.#missingReplicas();
      if (missing === 0) return;
      this.#signal.throwIfAborted();
      if (performance.now() > deadline) {
        throw new Error(`${missing} replicas were not in sync after ${IN_SYNC_PATIENCE} ms`);
      }
      await this.#sleep(IN_SYNC_POLL);
    }
  }

  async #missingReplicas(): Promise<number> {
    const topics = [TOPIC, `${TOPIC}.checkpoints`, '__consumer_offsets'];
    try {
      const metadata = await withAdmin(this.#scene.direct, (admin) =>
        admin.fetchTopicMetadata({ topics }),
      );
      return metadata.topics
        .flatMap(({ partitions }) => partitions)
        .reduce((sum, { replicas, isr }) => sum + replicas.length - isr.length, 0);
    } catch (error) {
      // The group topic is made with the first member; brokers that just started refuse for a while.
      this.#tell('in sync?', { error: error instanceof Error ? error.message : String(error) });
      return this.#scene.brokers;
    }
  }

  #happened(where: keyof FaultCounts, kind: string, fault: object): void {
    const counts = this.counts[where];
    counts[kind] = (counts[kind] ?? 0) + 1;
    this.#tell(where, fault);
  }

  #tell(what: string, fields: object): void {
    const at = Math.round(performance.now() - this.#start);
    const line = JSON.stringify({ at, what, ...fields });
    appendFileSync(join(this.#scene.logs, 'timeline.ndjson'), `${line}\n`);
  }

  async #sleep(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#signal });
  }
}
