import { createHash, randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { SealstreamError } from '../../ledger/error.js';
import type { Ownership, OwnershipOptions, TopicIdentity } from '../stream.js';
import { LOCKS_FOLDER, lockName } from './create.js';
import { fileError } from './folder.js';
import { FileLock, removeDeadLock } from './lock.js';
import { requireTopic } from './topic.js';

/**
 * Shares the partitions of a topic out among the live processes of a group on this host. Each
 * member holds one lock that announces it; every second each computes from the live announcements
 * which partitions are its share (partition mod members), gives up what no longer is, and takes, by
 * one lock a partition, what now is and is free. A killed member's locks are dead at once.
 */
const TICK_MS = 1000;
/** While partitions of its share are still held by others. */
const RETRY_MS = 100;

export function ownPartitions(
  root: string,
  topic: TopicIdentity,
  options: OwnershipOptions,
): Ownership {
  return new Member(root, topic, options);
}

class Member implements Ownership {
  private readonly root: string;
  private readonly topic: TopicIdentity;
  private readonly options: OwnershipOptions;
  private readonly folder: string;
  private readonly announcement: FileLock;
  private readonly locks = new Map<number, FileLock>();
  private owned: ReadonlySet<number> = new Set();
  private timer: NodeJS.Timeout | null = null;
  private told = false;
  private closed = false;

  constructor(root: string, topic: TopicIdentity, options: OwnershipOptions) {
    this.root = root;
    this.topic = topic;
    this.options = options;
    // A group's name is the caller's: only its hash becomes part of a path.
    const group = createHash('sha256').update(options.group).digest('hex').slice(0, 32);
    this.folder = join(root, LOCKS_FOLDER, `${lockName(topic.topic)}-${topic.topicId}-${group}`);
    mkdirSync(this.folder, { recursive: true });
    this.announcement = new FileLock(join(this.folder, `member-${randomUUID()}`));
    this.announcement.tryAcquire();
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
    this.announce();
    const { partitions } = requireTopic(this.root, this.topic);
    const members = this.liveMembers();
    const rank = members.indexOf(this.announcement.path);
    const mine = new Set<number>();
    for (let partition = 0; partition < partitions; partition += 1) {
      if (partition % members.length === rank) mine.add(partition);
    }
    for (const [partition, lock] of this.locks) {
      if (mine.has(partition)) lock.refresh();
    }
    const given = [...this.locks.keys()].filter((partition) => !mine.has(partition));
    const kept = new Set([...this.owned].filter((partition) => mine.has(partition)));
    // Those who act on a partition stop before another member may start.
    if (given.length > 0) this.tell(kept);
    for (const partition of given) this.releaseOne(partition);
    const now = new Set([...mine].filter((partition) => this.takeOne(partition)));
    this.tell(now);
    return now.size === mine.size;
  }

  private announce(): void {
    // Gone where others took this process for dead: a stopped container, say.
    if (!this.announcement.held || !existsSync(this.announcement.path)) {
      this.announcement.release();
      this.announcement.tryAcquire();
    }
    this.announcement.refresh();
  }

  private liveMembers(): string[] {
    const names = readdirSync(this.folder).filter((name) => /^member-[0-9a-f-]{36}$/.test(name));
    const paths = names.map((name) => join(this.folder, name)).sort();
    return paths.filter((path) => path === this.announcement.path || !removeDeadLock(path));
  }

  private takeOne(partition: number): boolean {
    const held = this.locks.get(partition);
    if (held !== undefined) return true;
    const lock = new FileLock(join(this.folder, `partition-${partition}`));
    if (!lock.tryAcquire()) return false;
    this.locks.set(partition, lock);
    return true;
  }

  private releaseOne(partition: number): void {
    this.locks.get(partition)?.release();
    this.locks.delete(partition);
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
    this.giveUp();
    this.options.onError(error);
  }

  private giveUp(): void {
    for (const partition of [...this.locks.keys()]) this.releaseOne(partition);
    this.announcement.release();
    this.owned = new Set();
  }
}
