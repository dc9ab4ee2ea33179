import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { test } from 'node:test';
import { freePorts } from '../support/kafka/ports.js';
import { LedgerDesk, until } from '../support/ledger-desk.js';
import { ask, perPartition } from '../support/seal-metrics.js';

/** Connections that ask nothing; each that is closed is opened again. */
class Crowd {
  #open = true;
  readonly #sockets = new Set<Socket>();

  static async of(count: number, port: number): Promise<Crowd> {
    const crowd = new Crowd();
    for (let each = 0; each < count; each += 1) {
      const socket = crowd.#join(port);
      // A connection that is closed at once may never have been one on this side.
      await new Promise((resolve) => socket.once('connect', resolve).once('close', resolve));
    }
    return crowd;
  }

  #join(port: number): Socket {
    const socket = connect(port, '127.0.0.1').on('error', () => {});
    this.#sockets.add(socket);
    socket.once('close', () => {
      this.#sockets.delete(socket);
      setTimeout(() => this.#open && this.#join(port), 1_000);
    });
    return socket;
  }

  leave(): void {
    this.#open = false;
    for (const socket of this.#sockets) socket.destroy();
  }
}

for (const descriptors of [1024, 128]) {
  test(`sealing goes on beside 1,100 idle connections, with ${descriptors} descriptors`, () =>
    LedgerDesk.use({ bootstrap: null, seal: { every: '200ms', heartbeat: '1m' } }, async (desk) => {
      const [port = 0] = await freePorts(1);
      const words = ['seal', '--metrics', String(port)];
      const running = desk.start(words, { descriptors });
      await until('it answers', async () => (await ask(port, '/healthz'))?.status === 200);
      const crowd = await Crowd.of(1_100, port);
      try {
        for (const round of [1, 2]) {
          const input = '{"action":"test.publish","actor":{"id":"a"}}\n'.repeat(5);
          const published = await desk.run(['publish'], { input });
          assert.equal(published.code, 0, `${published.stderr}${running.stderr()}`);
          await until(`all of round ${round} is sealed`, async () => {
            const { report } = await desk.verify();
            return report.records === String(5 * round);
          });
        }
        await until('the metrics say so', async () => {
          const name = 'sealstream_sealed_records_total';
          const sealed = await perPartition(port, name, desk.topic);
          return [...sealed.values()].reduce((sum, each) => sum + each, 0) === 10;
        });
      } finally {
        crowd.leave();
      }
      assert.doesNotMatch(running.stderr(), /EMFILE/);
      running.kill('SIGTERM');
      const { code, stderr } = await running.session;
      assert.equal(code, 0, stderr);
    }));
}

const skip = process.platform !== 'linux' && 'only Linux has more than one loopback address';
const hasIpv6 = Object.values(networkInterfaces()).some((each) =>
  each?.some(({ address }) => address === '::1'),
);

test('--metrics serves on loopback, or where it is told to', { skip }, () =>
  LedgerDesk.use({ bootstrap: null }, async (desk) => {
    const places: [string, string, string | null][] = [
      ['', '127.0.0.1', '127.0.0.2'],
      ['127.0.0.2:', '127.0.0.2', '127.0.0.1'],
      ['0.0.0.0:', '127.0.0.2', null],
    ];
    if (hasIpv6) places.push(['[::1]:', '[::1]', '127.0.0.1']);
    for (const [place, inside, outside] of places) {
      const [port = 0] = await freePorts(1);
      const running = desk.start(['seal', '--metrics', `${place}${port}`]);
      await until(`${inside} answers`, async () => (await ask(port, '/healthz', inside)) !== null);
      if (outside !== null) assert.equal(await ask(port, '/healthz', outside), null, place);
      running.kill('SIGTERM');
      assert.equal((await running.session).code, 0);
    }
  }),
);
