import { randomUUID } from 'node:crypto';
import { openKafka } from '../../stream/kafka/kafka.js';
import type { Stream } from '../../stream/stream.js';
import type { KafkaCluster } from './kafka.js';
import { deleteTopic } from './kafka-reading.js';
import type { TamperPlace } from './tamper-scene.js';

interface Waiting {
  readonly change: (root: string) => void;
  readonly done: () => void;
  readonly failed: (error: unknown) => void;
}

/**
 * One broker for many tests that run at once. It is stopped once every place that is open waits for
 * that, so that all their changes cost one restart.
 */
export class SharedBroker {
  readonly cluster: KafkaCluster;
  #open = 0;
  #waiting: Waiting[] = [];
  #restart: Promise<void> = Promise.resolve();

  constructor(cluster: KafkaCluster) {
    this.cluster = cluster;
  }

  async open(): Promise<KafkaPlace> {
    this.#open++;
    await this.#restart;
    return KafkaPlace.open(this);
  }

  /** The broker's log directory while it is stopped; the place's stream must be closed. */
  offline(change: (root: string) => void): Promise<void> {
    return new Promise((done, failed) => {
      this.#waiting.push({ change, done, failed });
      this.#restartIfAllWait();
    });
  }

  left(): void {
    this.#open--;
    this.#restartIfAllWait();
  }

  #restartIfAllWait(): void {
    if (this.#waiting.length === 0 || this.#waiting.length < this.#open) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#restart = this.#change(waiting);
  }

  /** Never rejects: each who waits learns what became of the own change. */
  async #change(waiting: readonly Waiting[]): Promise<void> {
    const node = this.cluster.node(1);
    const outcomes: (() => void)[] = [];
    try {
      await node.stop();
      for (const { change, done, failed } of waiting) {
        try {
          change(node.logDir);
          outcomes.push(done);
        } catch (error) {
          outcomes.push(() => failed(error));
        }
      }
      await node.start();
      for (const outcome of outcomes) outcome();
    } catch (error) {
      for (const { failed } of waiting) failed(error);
    }
  }
}

/** A topic of its own on the shared broker. */
export class KafkaPlace implements TamperPlace {
  readonly topic = `tampered-${randomUUID()}`;
  readonly replication = 1;
  readonly #broker: SharedBroker;
  stream: Stream;

  private constructor(broker: SharedBroker, stream: Stream) {
    this.#broker = broker;
    this.stream = stream;
  }

  static async open(broker: SharedBroker): Promise<KafkaPlace> {
    return new KafkaPlace(broker, await openKafka(`kafka://${broker.cluster.bootstrap}`));
  }

  async offline(change: (root: string) => void): Promise<void> {
    await this.stream.close();
    await this.#broker.offline(change);
    this.stream = await openKafka(`kafka://${this.#broker.cluster.bootstrap}`);
  }

  async deleteTopic(topic: string): Promise<void> {
    await deleteTopic(this.#broker.cluster.bootstrap, this.stream, topic);
  }

  async close(): Promise<void> {
    await this.stream.close();
    this.#broker.left();
  }
}
