import { CheckpointAudit, readCheckpoints } from './checkpoint-audit.js';
import { EventAudit, type EventCounts } from './event-audit.js';
import type { Findings } from './findings.js';
import { readLog } from './log-reader.js';
import { type Scene, TOPIC } from './scene.js';

export interface Audited {
  readonly events: EventCounts;
  /** Records on the checkpoint topic, and different notes of them that were found right. */
  readonly checkpoints: { readonly records: number; right: number };
}

/** Reads the whole log once and holds everything that was claimed against it. */
export async function audit(
  scene: Scene,
  partitions: number,
  lives: number,
  findings: Findings,
): Promise<Audited> {
  const events = new EventAudit(scene.notes, lives, findings);
  const { count, byPartition } = await readCheckpoints(
    scene.direct,
    `${TOPIC}.checkpoints`,
    scene.publicKey,
    findings,
  );
  const checkpoints = { records: count, right: 0 };
  let current = -1;
  let sealed = new CheckpointAudit(-1, [], findings);
  for await (const record of readLog(scene.direct, TOPIC, partitions)) {
    const { partition, body } = record;
    if (partition !== current) {
      current = partition;
      events.startPartition(partition);
      sealed = new CheckpointAudit(partition, byPartition.get(partition) ?? [], findings);
    }
    if (body !== null) {
      events.append(record, body);
      sealed.append(record, body);
    } else {
      events.finishPartition(partition);
      sealed.finish(record.offset);
      checkpoints.right += sealed.right;
    }
  }
  events.finish();
  return { events: events.counts, checkpoints };
}
