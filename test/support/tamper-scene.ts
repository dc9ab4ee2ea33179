import { test } from 'node:test';
import type { Report, VerifyOptions } from '../../consumer/index.js';
import type { Stream } from '../../stream/stream.js';
import { checkBothWays } from './findings.js';
import { MadeLedger, type Sealed } from './made-ledger.js';
import { type TamperedLog, tamper } from './tamper.js';

/** How many tests of a tampering suite run at once: all of them. */
export const AT_ONCE = 100;

/** A stream that whoever owns it can tamper with. */
export interface TamperPlace {
  /** Open now; another object after `offline`. */
  readonly stream: Stream;
  /** A topic of the test's own. */
  readonly topic: string;
  /** Replication of the topics that a test makes. */
  readonly replication: number;
  /** Stops the stream, changes its log directory, and opens it again. */
  offline(change: (root: string) => void): Promise<void>;
  deleteTopic(topic: string): Promise<void>;
  close(): Promise<void>;
}

/** A made ledger on a place: partition 0 sealed at 10, 20 and 30 records, partition 1 at 5. */
export class Scene {
  readonly place: TamperPlace;
  readonly made: MadeLedger;
  /** Partition 0's, in order. */
  readonly sealed: readonly Sealed[];

  private constructor(place: TamperPlace, made: MadeLedger, sealed: readonly Sealed[]) {
    this.place = place;
    this.made = made;
    this.sealed = sealed;
  }

  static async set(place: TamperPlace): Promise<Scene> {
    const { stream, topic, replication } = place;
    const made = await MadeLedger.create(stream, { topic, replication });
    const sealed: Sealed[] = [];
    for (let size = 10; size <= 30; size += 10) sealed.push(await made.appendAndSeal(0, 10));
    await made.appendAndSeal(1, 5);
    return new Scene(place, made, sealed);
  }

  check(options: Partial<VerifyOptions> = {}): Promise<Report> {
    return checkBothWays(this.made, this.place.stream, options);
  }

  async offline(change: (root: string) => void): Promise<void> {
    await this.place.offline(change);
    this.made.use(this.place.stream);
  }

  /** In partition 0. */
  changeRecords(edit: (log: TamperedLog) => void): Promise<void> {
    return this.offline((root) => tamper(root, this.made.topic, 0, edit));
  }

  changeCheckpoints(edit: (log: TamperedLog) => void): Promise<void> {
    return this.offline((root) => tamper(root, this.made.checkpointTopic, 0, edit));
  }
}

/** A node:test test with a scene of its own. */
export function sceneTest(
  open: () => Promise<TamperPlace>,
): (name: string, body: (scene: Scene) => Promise<void>) => void {
  return (name, body) => {
    void test(name, async () => {
      const place = await open();
      try {
        await body(await Scene.set(place));
      } finally {
        await place.close();
      }
    });
  };
}
