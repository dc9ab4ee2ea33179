import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSegments } from '../../stream/segments/segments.js';
import type { Stream } from '../../stream/stream.js';
import type { TamperPlace } from './tamper-scene.js';

/** An embedded stream in a folder of its own, gone when closed. */
export class FolderPlace implements TamperPlace {
  readonly topic = 'audit';
  readonly replication = 1;
  readonly root: string;
  stream: Stream;

  constructor(root: string, stream: Stream) {
    this.root = root;
    this.stream = stream;
  }

  static async open(): Promise<FolderPlace> {
    const root = mkdtempSync(join(tmpdir(), 'sealstream-tampering-'));
    return new FolderPlace(root, await openSegments(`file:${root}`));
  }

  async offline(change: (root: string) => void): Promise<void> {
    await this.stream.close();
    change(this.root);
    this.stream = await openSegments(`file:${this.root}`);
  }

  async deleteTopic(topic: string): Promise<void> {
    const description = await this.stream.describe(topic);
    for (let partition = 0; partition < (description?.partitions ?? 0); partition++) {
      rmSync(join(this.root, `${topic}-${partition}`), { recursive: true });
    }
  }

  async close(): Promise<void> {
    await this.stream.close();
    rmSync(this.root, { recursive: true });
  }
}
