import { SealstreamError } from '../../../ledger/error.js';
import { checkBatch } from '../../batch/check.js';
import type { Appender, AppendOutcome, EncodedBatch, Logger, TopicIdentity } from '../../stream.js';
import { jittered } from '../connection/back-off.js';
import { expired, noPartition, recreated } from './append-errors.js';
import type { LaneEvent } from './append-rules.js';
import type { KafkaAppenderOptions } from './appender-options.js';
import { LossWatch } from './loss-watch.js';
import {
  type EventDetail,
  type Inquiry,
  Lane,
  type ProducerIdentity,
} from './partition-producer.js';
import { judge, type PartitionRecords, type ProducePort, type TopicNow } from './produce-port.js';
import { RecurringLook } from './recurring-look.js';
import { Inquirer } from './unknown-outcomes.js';

const DEFAULT_DEADLINE_MS = 120_000;
const DEFAULT_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 2000;
const LONGEST_THROTTLE_MS = 60_000;
const DEFAULT_LOOK_MS = 10_000;
const MAX_REQUEST_BYTES = 8 * 1024 * 1024;
const ALARMING = new Set<LaneEvent>(['vanished', 'regressed', 'misplaced', 'unlisted']);

/**
 * Idempotent appends to one topic: per partition one batch in flight, re-sent byte for byte until its
 * outcome is known (append-rules.ts); per leader one request at a time with all partitions that are
 * ready for it.
 */
export class KafkaAppender implements Appender {
  readonly #port: ProducePort;
  readonly #topic: TopicIdentity;
  readonly #producer: ProducerIdentity;
  readonly #deadlineMs: number;
  readonly #pauseMs: number;
  readonly #logger: Logger | null;
  readonly #inquirer: Inquirer;
  readonly #losses: LossWatch;
  readonly #looks: RecurringLook;
  readonly #renewing = new Set<Lane>();
  readonly #lanes = new Map<number, Lane>();
  readonly #busyLeaders = new Set<number>();
  readonly #underWay = new Set<Promise<AppendOutcome>>();
  readonly #pauses = new Set<NodeJS.Timeout>();
  #now: TopicNow;
  #refreshing: Promise<void> | null = null;
  #pumpPlanned = false;
  #ended: SealstreamError | null = null;
  #closing: Promise<void> | null = null;

  private constructor(
    port: ProducePort,
    topic: TopicIdentity,
    options: KafkaAppenderOptions,
    start: { readonly producer: ProducerIdentity; readonly now: TopicNow },
  ) {
    this.#port = port;
    this.#topic = topic;
    this.#producer = start.producer;
    this.#now = start.now;
    this.#deadlineMs = options.deadlineMs ?? DEFAULT_DEADLINE_MS;
    this.#pauseMs = options.pauseMs ?? DEFAULT_PAUSE_MS;
    this.#logger = options.logger ?? null;
    this.#inquirer = new Inquirer(port, topic, this.#pauseMs, this.#logger, options.onLearned);
    const { onLost, patienceMs } = options;
    this.#losses = new LossWatch(port, topic, this.#logger, onLost, patienceMs);
    this.#looks = new RecurringLook(options.lookMs ?? DEFAULT_LOOK_MS, () => this.#look());
  }

  /**
   * Looks at the topic and gets a producer id. Throws `topic-missing`, `topic-recreated`, what the
   * brokers refuse, and class `retry` where they cannot be asked; `port` is then closed.
   */
  static async open(
    port: ProducePort,
    topic: TopicIdentity,
    options: KafkaAppenderOptions = {},
  ): Promise<KafkaAppender> {
    try {
      const now = await port.topicNow();
      if (now.topicId === null) {
        throw new SealstreamError('topic-missing', `there is no topic ${topic.topic}: create it`);
      }
      if (now.topicId !== topic.topicId) throw recreated(topic, now.topicId);
      const producer = await port.newProducer();
      return new KafkaAppender(port, topic, options, { producer, now });
    } catch (error) {
      port.close();
      throw error;
    }
  }

  append(partition: number, batch: EncodedBatch): Promise<AppendOutcome> {
    const place = `topic ${this.#topic.topic}, partition ${partition}`;
    const error = this.#ended ?? checkBatch(batch, place);
    if (error !== null) return Promise.resolve({ kind: 'rejected', error });
    const outcome = new Promise<AppendOutcome>((resolve) => {
      const lane = this.#lane(partition);
      const settle = (settled: AppendOutcome): void => {
        clearTimeout(timer);
        resolve(settled);
      };
      const pending = { batch, settle };
      const timer = setTimeout(() => {
        lane.expire(pending, (sent) => this.#expired(partition, sent));
        this.#plan();
      }, this.#deadlineMs);
      lane.enqueue(pending);
    });
    this.#underWay.add(outcome);
    void outcome.then(() => this.#underWay.delete(outcome));
    this.#plan();
    return outcome;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#ended ??= new SealstreamError('closed', `the appender of ${this.#topic.topic} is closed`);
    await Promise.all(this.#underWay);
    await this.#looks.close();
    await Promise.all([this.#inquirer.close(), this.#losses.close()]);
    for (const pause of this.#pauses) clearTimeout(pause);
    this.#port.close();
  }

  #lane(partition: number): Lane {
    let lane = this.#lanes.get(partition);
    if (lane === undefined) {
      lane = new Lane(partition, this.#producer);
      this.#lanes.set(partition, lane);
    }
    return lane;
  }

  /** After the current turn, so that partitions appended to together go together. */
  #plan(): void {
    if (this.#pumpPlanned) return;
    this.#pumpPlanned = true;
    setImmediate(() => {
      this.#pumpPlanned = false;
      this.#pump();
    });
  }

  #pump(): void {
    const ready = new Map<number, Lane[]>();
    for (const lane of this.#lanes.values()) {
      lane.advance();
      if (lane.needsProducer) this.#renew(lane);
      if (lane.state !== 'ready') continue;
      const leader = this.#now.leaders.get(lane.partition) ?? null;
      if (leader === null) {
        this.#apply(lane, 'unsent');
      } else if (!this.#busyLeaders.has(leader)) {
        const lanes = ready.get(leader);
        if (lanes === undefined) ready.set(leader, [lane]);
        else lanes.push(lane);
      }
    }
    for (const [leader, lanes] of ready) void this.#send(leader, lanes);
  }

  async #send(leader: number, ready: readonly Lane[]): Promise<void> {
    const lanes: Lane[] = [];
    const batches: PartitionRecords[] = [];
    let size = 0;
    for (const lane of ready) {
      const bytes = lane.bytes;
      if (bytes === null || (size > 0 && size + bytes.length > MAX_REQUEST_BYTES)) continue;
      size += bytes.length;
      lanes.push(lane);
      batches.push({ partition: lane.partition, bytes });
      lane.apply('taken');
      // Those left out come first next time.
      this.#lanes.delete(lane.partition);
      this.#lanes.set(lane.partition, lane);
    }
    this.#busyLeaders.add(leader);
    const answer = await this.#port.produce(leader, batches);
    for (const lane of lanes) {
      const { event, detail } = judge(answer, lane.partition, this.#topic, lane.acknowledgedEnd);
      this.#apply(lane, event, detail);
    }
    const throttleMs = answer.kind === 'answered' ? answer.throttleMs : 0;
    this.#pause(Math.min(throttleMs, LONGEST_THROTTLE_MS), () => {
      this.#busyLeaders.delete(leader);
      this.#plan();
    });
  }

  #apply(lane: Lane, event: LaneEvent, detail: EventDetail = {}): void {
    // A late answer to a request of a lane that was stopped meanwhile.
    if (lane.state === 'stopped') return;
    const inquiry: Inquiry | null = lane.apply(event, detail);
    if (inquiry !== null) this.#inquirer.start(inquiry);
    if (event === 'vanished' || event === 'regressed') this.#losses.locate(lane);
    if (ALARMING.has(event)) {
      this.#logger?.error({ partition: lane.partition, error: detail.error }, 'append failed');
    }
    if (lane.state === 'waiting') this.#rest(lane, detail.error);
  }

  /** A lane whose epochs are used up goes on under a new producer id. */
  #renew(lane: Lane): void {
    if (this.#renewing.has(lane)) return;
    this.#renewing.add(lane);
    const again = (pauseMs: number): void =>
      this.#pause(pauseMs, () => {
        this.#renewing.delete(lane);
        this.#plan();
      });
    this.#port.newProducer().then(
      (producer) => {
        lane.renew(producer);
        again(0);
      },
      (error: unknown) => {
        this.#logger?.warn({ error, partition: lane.partition }, 'no new producer id');
        again(jittered(LONGEST_PAUSE_MS));
      },
    );
  }

  /** A pause and fresh metadata; then the lane is ready again, or its topic is gone. */
  #rest(lane: Lane, error: SealstreamError | undefined): void {
    const { partition, attempts } = lane;
    this.#logger?.debug({ partition, attempts, error }, 'append not settled, trying again');
    const wholeMs = Math.min(this.#pauseMs * 2 ** Math.min(attempts - 1, 16), LONGEST_PAUSE_MS);
    const pauseMs = jittered(wholeMs);
    const attempt = lane.bytes;
    this.#pause(pauseMs, () => {
      void this.#refresh().then(() => {
        if (lane.state !== 'waiting' || lane.bytes !== attempt) return;
        lane.apply('rested');
        if (this.#lacks(partition))
          this.#apply(lane, 'unusable', { error: this.#noPartition(partition) });
        this.#plan();
      });
    });
  }

  #refresh(): Promise<void> {
    this.#refreshing ??= this.#port
      .topicNow()
      .then((now) => this.#learnTopic(now))
      .catch((error: unknown) => {
        // The old leaders are tried again; what is wrong shows there too.
        this.#logger?.warn({ error, topic: this.#topic.topic }, 'metadata cannot be had');
      })
      .finally(() => {
        this.#refreshing = null;
      });
    return this.#refreshing;
  }

  #learnTopic(now: TopicNow): void {
    const before = this.#now.leaderEpochs;
    this.#now = now;
    for (const lane of now.topicId === this.#topic.topicId ? this.#lanes.values() : []) {
      const epoch = now.leaderEpochs.get(lane.partition) ?? -1;
      if (epoch > (before.get(lane.partition) ?? -1)) this.#losses.suspect(lane);
    }
    if (now.topicId === null || now.topicId === this.#topic.topicId) return;
    const error = recreated(this.#topic, now.topicId);
    this.#ended ??= error;
    for (const lane of this.#lanes.values()) {
      if (lane.state !== 'sent') this.#apply(lane, 'recreated', { error });
    }
  }

  /** Asks which broker leads now. Never rejects. */
  async #look(): Promise<void> {
    const before = this.#now;
    const lanes = [...this.#lanes.values()];
    if (lanes.every(({ acknowledgedEnd }) => acknowledgedEnd === null)) return;
    await this.#refresh();
    if (this.#now === before) return;
    this.#losses.looked();
    for (const lane of lanes) lane.witnesses.looked();
  }

  #lacks(partition: number): boolean {
    return this.#now.topicId !== null && !this.#now.leaders.has(partition);
  }

  #noPartition(partition: number): SealstreamError {
    return noPartition(this.#topic.topic, partition, this.#now.leaders.size);
  }

  #expired(partition: number, sent: boolean): SealstreamError {
    return expired(`topic ${this.#topic.topic}, partition ${partition}`, this.#deadlineMs, sent);
  }

  #pause(ms: number, then: () => void): void {
    if (ms <= 0) {
      then();
      return;
    }
    const timer = setTimeout(() => {
      this.#pauses.delete(timer);
      then();
    }, ms);
    this.#pauses.add(timer);
  }
}
