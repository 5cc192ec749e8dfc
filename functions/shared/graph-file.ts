import { promisify } from 'node:util'
import { zstdCompress, zstdDecompress } from 'node:zlib'
import { derivationNameOf } from '../../nix/derivation.ts'
import type { StorePath } from '../../nix/store-path.ts'
import type { Graph, GraphDerivation } from './contract.ts'
import { HearthError } from './errors.ts'

export class GraphOfAnotherVersion extends HearthError {
  override name = 'GraphOfAnotherVersion'
  constructor(version: unknown) {
    super(
      `the run's graph has the form ${String(version)}, and this version of Hearth reads ${GRAPH_FORM}: start the run again`,
    )
  }
}

/** Of the file: one of another form is not read. */
export const GRAPH_FORM = 2

/**
 * `runs/<run>/graph.json.zst`. A closure names each derivation some ten times, with 70 characters each: here it is named once, and otherwise by its position. 5,000
 * derivations are 1.1 MB of text instead of 3.7 MB, and are read in 7 ms instead of 35 ms.
 */
interface GraphFile {
  version: typeof GRAPH_FORM
  /** of `derivations`, and behind them what these need and the graph lacks */
  paths: StorePath[]
  derivations: FiledDerivation[]
  sources: Graph['sources']
}

/** What most derivations have alike is left out. */
interface FiledDerivation extends Pick<
  GraphDerivation,
  'system' | 'outputs' | 'fixedOutput' | 'referenceRules' | 'unsupported'
> {
  /** when it is not what its path says */
  name?: string
  /** of each derivation that it needs the position, with the outputs that it uses unless that is `out` */
  needs?: (number | [number, ...string[]])[]
  inputSrcs?: StorePath[]
  requiredSystemFeatures?: string[]
  allowSubstitutes?: false
}

const compress = promisify(zstdCompress)
const decompress = promisify(zstdDecompress)

// 512 MiB keeps a hostile evaluator from filling a Lambda.
// In pieces of 16 KiB, as is zlib's default, each would go to another thread and back: four times as long.
const UNPACKING = { maxOutputLength: 512 * 1024 * 1024, chunkSize: 1024 ** 2 }

export async function packGraph(graph: Graph): Promise<Buffer> {
  return compress(Buffer.from(formatGraph(graph)))
}

/** The file's text, before it is compressed. */
export function formatGraph({ derivations, sources }: Graph): string {
  const all = Object.entries(derivations) as [StorePath, GraphDerivation][]
  const positions = new Map<StorePath, number>(all.map(([path], position) => [path, position]))
  const positionOf = (path: StorePath): number => {
    const position = positions.get(path) ?? positions.size
    positions.set(path, position)
    return position
  }
  const filed = all.map(([path, derivation]) => file(path, derivation, positionOf))
  const document: GraphFile = {
    version: GRAPH_FORM,
    paths: [...positions.keys()],
    derivations: filed,
    sources,
  }
  return JSON.stringify(document)
}

function file(
  path: StorePath,
  derivation: GraphDerivation,
  positionOf: (path: StorePath) => number,
): FiledDerivation {
  const { name, system, outputs, inputDrvs, inputSrcs, requiredSystemFeatures, allowSubstitutes } = derivation
  const { fixedOutput, referenceRules, unsupported } = derivation
  const needs = (Object.entries(inputDrvs) as [StorePath, string[]][]).map(
    ([input, names]): number | [number, ...string[]] =>
      names.length === 1 && names[0] === 'out' ? positionOf(input) : [positionOf(input), ...names],
  )
  return {
    ...(name === derivationNameOf(path) ? {} : { name }),
    system,
    outputs,
    ...(needs.length === 0 ? {} : { needs }),
    ...(inputSrcs.length === 0 ? {} : { inputSrcs }),
    ...(requiredSystemFeatures.length === 0 ? {} : { requiredSystemFeatures }),
    ...(allowSubstitutes ? {} : { allowSubstitutes }),
    ...(fixedOutput === undefined ? {} : { fixedOutput }),
    ...(referenceRules === undefined ? {} : { referenceRules }),
    ...(unsupported === undefined ? {} : { unsupported }),
  }
}

/** @throws GraphOfAnotherVersion */
export async function unpackGraph(bytes: Uint8Array): Promise<Graph> {
  const text = await decompress(bytes, UNPACKING)
  const { version, paths, derivations, sources } = JSON.parse(text.toString('utf8')) as GraphFile
  if (version !== GRAPH_FORM) throw new GraphOfAnotherVersion(version)
  const graph: Graph = { version: 1, derivations: {}, sources }
  for (const [position, filed] of derivations.entries()) {
    const path = paths[position]
    if (path !== undefined) graph.derivations[path] = new UnfiledDerivation(path, filed, paths)
  }
  return graph
}

// Shared by all that have none.
const NONE: never[] = []
const OUT = ['out']

/** A derivation whose inputs are looked up when somebody asks for them: nobody does for what a cache has, which is nearly all. */
class UnfiledDerivation implements GraphDerivation {
  readonly name: string
  readonly system: string
  readonly outputs: Record<string, StorePath>
  readonly inputSrcs: StorePath[]
  readonly requiredSystemFeatures: string[]
  readonly allowSubstitutes: boolean
  declare readonly fixedOutput?: NonNullable<GraphDerivation['fixedOutput']>
  declare readonly referenceRules?: NonNullable<GraphDerivation['referenceRules']>
  declare readonly unsupported?: string
  readonly #needs: NonNullable<FiledDerivation['needs']>
  readonly #paths: StorePath[]
  #inputDrvs: Record<StorePath, string[]> | undefined

  constructor(path: StorePath, filed: FiledDerivation, paths: StorePath[]) {
    this.name = filed.name ?? derivationNameOf(path)
    this.system = filed.system
    this.outputs = filed.outputs
    this.inputSrcs = filed.inputSrcs ?? NONE
    this.requiredSystemFeatures = filed.requiredSystemFeatures ?? NONE
    this.allowSubstitutes = filed.allowSubstitutes ?? true
    if (filed.fixedOutput !== undefined) this.fixedOutput = filed.fixedOutput
    if (filed.referenceRules !== undefined) this.referenceRules = filed.referenceRules
    if (filed.unsupported !== undefined) this.unsupported = filed.unsupported
    this.#needs = filed.needs ?? NONE
    this.#paths = paths
  }

  get inputDrvs(): Record<StorePath, string[]> {
    this.#inputDrvs ??= this.#lookUp()
    return this.#inputDrvs
  }

  #lookUp(): Record<StorePath, string[]> {
    const inputs: Record<StorePath, string[]> = {}
    for (const need of this.#needs) {
      const isUsual = typeof need === 'number'
      const path = this.#paths[isUsual ? need : need[0]]
      if (path !== undefined) inputs[path] = isUsual ? OUT : (need.slice(1) as string[])
    }
    return inputs
  }

  toJSON(): GraphDerivation {
    return Object.assign({ inputDrvs: this.inputDrvs }, this)
  }
}
