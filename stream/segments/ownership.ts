import { createHash, randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { SealstreamError } from '../../ledger/error.js';
import type { Ownership, OwnershipOptions, TopicIdentity } from '../stream.js';
import { LOCKS_FOLDER, lockName } from './create.js';
import { fileError, isCode } from './folder.js';
import { FileLock, removeDeadLock } from './lock.js';
import { type Monotonic, monotonic, SilenceWatch } from './silence.js';
import { requireTopic } from './topic.js';

/**
 * Shares the partitions of a topic out among the live processes of a group on this host. Each
 * member holds one lock that announces it; every second each computes from the live announcements
 * which partitions are its share (partition mod members), gives up what no longer is, and takes, by
 * one lock a partition, what now is and is free. A killed member's locks are dead at once where it
 * can be looked up, elsewhere after a time of silence. One that is only stopped keeps them where it
 * can be looked up; elsewhere it finds them gone at its next tick, and says so before all else.
 */
const TICK_MS = 1000;
/** While partitions of its share are still held by others. */
const RETRY_MS = 100;

export function ownPartitions(
  root: string,
  topic: TopicIdentity,
  options: OwnershipOptions,
  now: Monotonic = monotonic,
): Ownership {
  return new Member(root, topic, options, now);
}

class Member implements Ownership {
  private readonly root: string;
  private readonly topic: TopicIdentity;
  private readonly options: OwnershipOptions;
  private readonly now: Monotonic;
  private readonly folder: string;
  private readonly announcement: FileLock;
  /** Of the whole share, held or not: each knows how long another holder has been silent. */
  private readonly locks = new Map<number, FileLock>();
  /** Of the announcements of others, by path. */
  private watches = new Map<string, SilenceWatch>();
  private owned: ReadonlySet<number> = new Set();
  private timer: NodeJS.Timeout | null = null;
  private told = false;
  private closed = false;

  constructor(root: string, topic: TopicIdentity, options: OwnershipOptions, now: Monotonic) {
    this.root = root;
    this.topic = topic;
    this.options = options;
    this.now = now;
    // A group's name is the caller's: only its hash becomes part of a path.
    const group = createHash('sha256').update(options.group).digest('hex').slice(0, 32);
    this.folder = join(root, LOCKS_FOLDER, `${lockName(topic.topic)}-${topic.topicId}-${group}`);
    this.announcement = new FileLock(join(this.folder, `member-${randomUUID()}`), now);
    this.announce();
    this.timer = setTimeout(() => this.tick(), 0);
  }

  get partitions(): ReadonlySet<number> {
    return this.owned;
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    if (this.timer !== null) clearTimeout(this.timer);
    this.giveUp();
  }

  private tick(): void {
    if (this.closed) return;
    let complete: boolean;
    try {
      complete = this.share();
    } catch (error) {
      const reason = fileError(error, this.folder);
      if (reason.class !== 'retry') this.fail(reason);
      complete = true;
    }
    if (!this.closed) this.timer = setTimeout(() => this.tick(), complete ? TICK_MS : RETRY_MS);
  }

  /** true: this member holds the whole of its share. */
  private share(): boolean {
    // First: a folder that is away as a whole takes no locks with it.
    this.announce();
    this.forgetLost();
    const { partitions } = requireTopic(this.root, this.topic);
    const members = this.liveMembers();
    const rank = members.indexOf(this.announcement.path);
    const mine = new Set<number>();
    for (let partition = 0; partition < partitions; partition += 1) {
      if (partition % members.length === rank) mine.add(partition);
    }
    const given = [...this.locks.keys()].filter((partition) => !mine.has(partition));
    // Those who act on a partition stop before another member may start.
    this.tellWithout((partition) => !mine.has(partition));
    for (const partition of given) this.releaseOne(partition);
    const now = new Set([...mine].filter((partition) => this.takeOne(partition)));
    this.tell(now);
    return now.size === mine.size;
  }

  private announce(): void {
    // Gone where others took this process for dead: a stopped container, say.
    if (this.announcement.refresh()) return;
    this.makeFolder();
    this.announcement.tryAcquire();
  }

  /** Where the topic is, only: without its mount, a folder made there would look like a stream. */
  private makeFolder(): void {
    requireTopic(this.root, this.topic);
    for (const folder of [join(this.root, LOCKS_FOLDER), this.folder]) {
      try {
        mkdirSync(folder);
      } catch (error) {
        if (!isCode(error, 'EEXIST')) throw error;
      }
    }
  }

  /** Others have followed where they took this process for dead, or the files were removed. */
  private forgetLost(): void {
    const lost = new Set<number>();
    for (const [partition, lock] of this.locks) {
      if (lock.held && !lock.refresh()) lost.add(partition);
    }
    this.tellWithout((partition) => lost.has(partition));
  }

  /** In the order of their names; this one is among them even where its file was just removed. */
  private liveMembers(): string[] {
    const names = readdirSync(this.folder).filter((name) => /^member-[0-9a-f-]{36}$/.test(name));
    const own = this.announcement.path;
    const watches = new Map<string, SilenceWatch>();
    const live = [own];
    for (const path of names.map((name) => join(this.folder, name))) {
      if (path === own) continue;
      const watch = this.watches.get(path) ?? new SilenceWatch(this.now);
      watches.set(path, watch);
      if (!removeDeadLock(path, watch)) live.push(path);
    }
    this.watches = watches;
    return live.sort();
  }

  private takeOne(partition: number): boolean {
    let lock = this.locks.get(partition);
    if (lock === undefined) {
      lock = new FileLock(join(this.folder, `partition-${partition}`), this.now);
      this.locks.set(partition, lock);
    }
    return lock.held || lock.tryAcquire();
  }

  private releaseOne(partition: number): void {
    this.locks.get(partition)?.release();
    this.locks.delete(partition);
  }

  private tellWithout(isGone: (partition: number) => boolean): void {
    const kept = [...this.owned].filter((partition) => !isGone(partition));
    if (kept.length < this.owned.size) this.tell(new Set(kept));
  }

  private tell(partitions: ReadonlySet<number>): void {
    const before = this.owned;
    const same = before.size === partitions.size && [...partitions].every((p) => before.has(p));
    this.owned = partitions;
    if (same && this.told) return;
    this.told = true;
    this.options.onChange(partitions);
  }

  private fail(error: SealstreamError): void {
    this.closed = true;
    this.owned = new Set();
    // As in share(): first whoever acts on a partition hears of it.
    try {
      this.options.onError(error);
    } finally {
      this.giveUp();
    }
  }

  private giveUp(): void {
    this.owned = new Set();
    for (const lock of [...this.locks.values(), this.announcement]) {
      try {
        lock.release();
      } catch {
        // It tries again by itself as long as this process lives; after that the lock is dead.
      }
    }
    this.locks.clear();
  }
}
