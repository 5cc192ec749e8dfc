import { createHash, type Hash as Hasher } from 'node:crypto'
import type { FixedOutput } from './fixed-output.ts'
import type { NarVisitor } from './nar-reader.ts'

/**
 * Hashes what a fixed-output derivation declares the hash of, while its NAR streams by: the contents of the one file that it is (`flat`), or the
 * NAR itself (`recursive`). Source: Nix, src/libstore/build/local-derivation-goal.cc, `registerOutputs` (`newInfoFromCA`).
 */
export class FixedContent {
  /** to be told what is in the NAR */
  readonly visitor: NarVisitor
  readonly #hash: Hasher
  readonly #method: FixedOutput['method']
  #isPlainFile = false

  constructor({ algorithm, method }: Pick<FixedOutput, 'algorithm' | 'method'>) {
    this.#hash = createHash(algorithm)
    this.#method = method
    this.visitor = {
      entry: ({ path, ...entry }) => {
        if (path === '') this.#isPlainFile = entry.type === 'regular' && !entry.executable
      },
      contents: (bytes) => {
        if (method === 'flat' && this.#isPlainFile) this.#hash.update(bytes)
      },
    }
  }

  /** Passes the bytes of the NAR on, and looks at them on the way. */
  async *read(nar: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
    for await (const chunk of nar) {
      if (this.#method === 'recursive') this.#hash.update(chunk)
      yield chunk
    }
  }

  /** The hash in base16, once, at the end; undefined for a flat output that is no single file, or an executable one, which Nix refuses. */
  hash(): string | undefined {
    return this.#method === 'flat' && !this.#isPlainFile ? undefined : this.#hash.digest('hex')
  }
}
