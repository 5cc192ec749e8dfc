import { createHash } from 'node:crypto'
import type { Graph, GraphDerivation } from '../../../functions/shared/contract.ts'
import { encodeBase32 } from '../../../nix/base32.ts'
import { parseStorePath, type StorePath } from '../../../nix/store-path.ts'

/** A store path that anybody can tell by its name; its hash part follows from the name. */
export function storePath(name: string): StorePath {
  const digest = createHash('sha256').update(name).digest().subarray(0, 20)
  return parseStorePath(`/nix/store/${encodeBase32(digest)}-${name}`)
}

/** The derivation called so in a graph. */
export function drv(name: string): StorePath {
  return storePath(`${name}.drv`)
}

/** An output of the derivation called so: `out('multi')`, `out('multi', 'doc')`. */
export function out(name: string, output = 'out'): StorePath {
  return storePath(output === 'out' ? name : `${name}-${output}`)
}

export interface Sketch {
  /** what it is built from: `lib`, or `lib.dev` for an output that is not `out` */
  needs?: string[]
  /** `out` by default */
  outputs?: string[]
  system?: string
  sources?: StorePath[]
  features?: string[]
  /** `allowSubstitutes = false` */
  local?: boolean
  unsupported?: string
  /** output paths that are not those that its name gives: a fixed output, which several derivations can own */
  paths?: Record<string, StorePath>
}

/** A graph from a sketch: `{ app: { needs: ['lib'] }, lib: {} }`, all for x86_64-linux unless they say otherwise. */
export function graphOf(sketches: Record<string, Sketch>): Graph {
  const derivations = Object.entries(sketches).map(([name, sketch]) => [
    drv(name),
    derivationOf(name, sketch),
  ])
  return { version: 1, derivations: Object.fromEntries(derivations) as Graph['derivations'], sources: {} }
}

function derivationOf(name: string, sketch: Sketch): GraphDerivation {
  const inputDrvs: GraphDerivation['inputDrvs'] = {}
  for (const need of sketch.needs ?? []) {
    const [input = '', output = 'out'] = need.split('.')
    inputDrvs[drv(input)] = [...(inputDrvs[drv(input)] ?? []), output]
  }
  const outputs = (sketch.outputs ?? ['out']).map((output) => [output, out(name, output)])
  return {
    name,
    system: sketch.system ?? 'x86_64-linux',
    outputs: sketch.paths ?? (Object.fromEntries(outputs) as Record<string, StorePath>),
    inputDrvs,
    inputSrcs: sketch.sources ?? [],
    requiredSystemFeatures: sketch.features ?? [],
    allowSubstitutes: sketch.local !== true,
    ...(sketch.unsupported === undefined ? {} : { unsupported: sketch.unsupported }),
  }
}
