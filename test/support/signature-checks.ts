import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import { mock } from 'node:test';

type Done = (error: Error | null, valid: boolean) => void;
type Arguments = [null, Uint8Array, crypto.KeyObject, Uint8Array, Done?];

/** What was asked of node:crypto since `watchSignatures`. */
export interface SignatureWatch {
  count: number;
  readonly most: { inFlight: number };
  restore(): void;
}

/**
 * Watches the real signature checks of this process. `delayed`: those that are not waited for end
 * in another order than they were begun.
 */
export function watchSignatures(delayed = false): SignatureWatch {
  const { verify } = crypto;
  let inFlight = 0;
  const watched = (...[algorithm, message, key, signature, done]: Arguments) => {
    watch.count += 1;
    if (done === undefined) return verify(algorithm, message, key, signature);
    inFlight += 1;
    watch.most.inFlight = Math.max(watch.most.inFlight, inFlight);
    const end: Done = (error, valid) => {
      inFlight -= 1;
      done(error, valid);
    };
    const turns = delayed ? (watch.count * 7) % 5 : 0;
    return verify(algorithm, message, key, signature, (error, valid) =>
      after(turns, () => end(error, valid)),
    );
  };
  const mocked = mock.method(crypto, 'verify', watched as typeof verify);
  syncBuiltinESMExports();
  const watch: SignatureWatch = {
    count: 0,
    most: { inFlight: 0 },
    restore: () => {
      mocked.mock.restore();
      syncBuiltinESMExports();
    },
  };
  return watch;
}

function after(turns: number, work: () => void): void {
  if (turns === 0) work();
  else setImmediate(() => after(turns - 1, work));
}
