import type { StorePath } from '../../nix/store-path.ts'
import type { NarInfo } from '../../nix/narinfo.ts'
import { StagedResultInvalid } from './refusals.ts'

/**
 * The outputs of one derivation, each after those that it refers to; references to anything else and to itself do not count.
 * @throws StagedResultInvalid when outputs refer to each other in a circle: Nix refuses such a build
 */
export function referencesFirst<Output extends Pick<NarInfo, 'storePath' | 'references'>>(
  outputs: Output[],
): Output[] {
  const waiting = new Map(outputs.map((output) => [output.storePath, output]))
  const ordered: Output[] = []
  const isReady = ({ storePath, references }: Output): boolean =>
    references.every((reference: StorePath) => reference === storePath || !waiting.has(reference))
  while (waiting.size > 0) {
    const ready = [...waiting.values()].filter(isReady)
    if (ready.length === 0)
      throw new StagedResultInvalid(
        `these outputs refer to each other in a circle: ${[...waiting.keys()].join(', ')}`,
      )
    for (const output of ready) {
      waiting.delete(output.storePath)
      ordered.push(output)
    }
  }
  return ordered
}
