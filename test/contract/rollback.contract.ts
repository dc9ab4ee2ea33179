import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe } from 'node:test';
import { openMemory } from '../../store/folder.js';
import type { Memory } from '../../store/memory.js';
import { expectCodes, expectFinding, partition } from '../support/findings.js';
import { tamper } from '../support/tamper.js';
import { AT_ONCE, type Scene, sceneTest, type TamperPlace } from '../support/tamper-scene.js';

/** What only a verifier with a memory can see: it accepted the ledger, and is shown less later. */
export function rollbackContract(name: string, open: () => Promise<TamperPlace>): void {
  const test = sceneTest(open);
  const acceptedTest = (title: string, body: (scene: Scene, memory: Memory) => Promise<void>) =>
    test(title, async (scene) => {
      const folder = mkdtempSync(join(tmpdir(), 'sealstream-rollback-'));
      const memory = await openMemory(folder, { create: true });
      try {
        assert.equal((await scene.check({ memory })).verdict, 'intact');
        await body(scene, memory);
      } finally {
        await memory.close();
        rmSync(folder, { recursive: true });
      }
    });

  describe(`roll-backs on ${name}`, { concurrency: AT_ONCE }, () => {
    acceptedTest('nothing rolled back', async (scene, memory) => {
      await scene.made.appendAndSeal(0, 10);
      const report = await scene.check({ memory });
      assert.equal(report.verdict, 'intact');
      assert.equal(report.records, 45n);
    });

    acceptedTest('the log together with its checkpoints', async (scene, memory) => {
      const { topic, checkpointTopic } = scene.made;
      await scene.offline((root) => {
        tamper(root, topic, 0, (log) => log.truncate(20n));
        // Partition 1 was sealed last and goes with it.
        tamper(root, checkpointTopic, 0, (log) => log.truncate(2n));
      });
      const unaided = await scene.check();
      assert.deepEqual(partition(unaided, 0).findings, []);
      assert.equal(unaided.verdict, 'incomplete');
      const report = await scene.check({ memory });
      expectCodes(partition(report, 0), 'tampered', ['rolled-back', 'log-truncated']);
      for (const found of partition(report, 0).findings) {
        assert.deepEqual([found.from, found.to], [20n, 30n]);
      }
    });

    acceptedTest('the checkpoints alone', async (scene, memory) => {
      await scene.changeCheckpoints((log) => log.truncate(2n));
      assert.deepEqual(partition(await scene.check(), 0).findings, []);
      expectFinding(await scene.check({ memory }), 'rolled-back', 20n, 30n);
    });

    acceptedTest("one partition's checkpoints withheld", async (scene, memory) => {
      await scene.changeCheckpoints((log) => log.truncate(3n));
      const report = await scene.check({ memory });
      assert.equal(partition(report, 0).verdict, 'intact');
      expectCodes(partition(report, 1), 'tampered', ['no-checkpoint', 'rolled-back']);
    });

    acceptedTest('an earlier checkpoint published again in place of all', async (scene, memory) => {
      const [early] = scene.sealed;
      assert.ok(early);
      await scene.changeCheckpoints((log) => log.deleteBefore(4n));
      await scene.made.publish(early);
      assert.deepEqual(partition(await scene.check(), 0).findings, []);
      expectFinding(await scene.check({ memory }), 'rolled-back', 10n, 30n);
    });

    acceptedTest('both topics deleted', async (scene, memory) => {
      await scene.place.deleteTopic(scene.made.topic);
      await scene.place.deleteTopic(scene.made.checkpointTopic);
      const report = await scene.check({ memory });
      expectCodes(partition(report, 0), 'tampered', ['rolled-back', 'topic-missing']);
    });

    acceptedTest('both topics deleted, made anew and sealed', async (scene, memory) => {
      await scene.place.deleteTopic(scene.made.topic);
      await scene.place.deleteTopic(scene.made.checkpointTopic);
      await scene.made.createTopic();
      await scene.made.createCheckpointTopic();
      await scene.made.appendAndSeal(0, 40);
      await scene.made.appendAndSeal(1, 5);
      assert.equal((await scene.check()).verdict, 'intact');
      const report = await scene.check({ memory });
      expectCodes(partition(report, 0), 'tampered', ['topic-recreated']);
      expectCodes(partition(report, 1), 'tampered', ['topic-recreated']);
    });
  });
}
