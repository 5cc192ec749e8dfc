import { longestPaths } from '../../functions/plan/longest-paths.ts'
import type { Schedule, ScheduledDerivation, System } from '../../functions/shared/contract.ts'
import { fromBaseName } from '../../nix/store-path.ts'
import { Random } from './random.ts'

/** A derivation of a generated graph; `needs` are positions before its own. */
interface Made {
  kind: 'source' | 'package'
  needs: number[]
  seconds: number
  /** an index into the shape's systems */
  system: number
}

interface Shape {
  name: string
  describes: string
  systems: System[]
  make(count: number, random: Random): Made[]
}

const ONE = ['x86_64-linux']

/** Sources take some seconds; packages have a median of 20 s, and 1 in 30 takes more than 3 minutes. */
const fetchSeconds = (random: Random): number => random.lognormal(5, 0.6)
const buildSeconds = (random: Random): number => Math.min(random.lognormal(20, 1.2), 3600)
const trunkSeconds = (random: Random): number => Math.min(random.lognormal(60, 0.8), 1800)

/** Every kind of graph that `npm run simulate` generates. */
export const SHAPES: Shape[] = [
  {
    name: 'nixpkgs',
    describes: 'a deep trunk, libraries on it, most of them leaves; every second package fetches its source',
    systems: ONE,
    make: (count, random) => nixpkgs(count, random, 0, []),
  },
  {
    name: 'systems',
    describes: 'three such graphs for three systems; some leaves need what another system builds',
    systems: ['x86_64-linux', 'aarch64-linux', 'aarch64-darwin'],
    make: threeSystems,
  },
  {
    name: 'layers',
    describes: 'layers of 40, each derivation needs 4 of the layer before',
    systems: ONE,
    make: layers,
  },
  {
    name: 'diamonds',
    describes: 'one, then 2 to 24 side by side, then one that needs them all, and so on',
    systems: ONE,
    make: diamonds,
  },
  {
    name: 'trees',
    describes: 'trees that grow together: each derivation is needed by one later one',
    systems: ONE,
    make: trees,
  },
  { name: 'wide', describes: 'nothing needs anything', systems: ONE, make: wide },
  { name: 'chain', describes: 'each needs the one before', systems: ONE, make: chain },
]

/** @throws RangeError when there is no such shape */
export function generateSchedule(name: string, count: number, seed: number): Schedule {
  const shape = SHAPES.find((shape) => shape.name === name)
  if (shape === undefined)
    throw new RangeError(`there is no shape ${name}: ${SHAPES.map(({ name }) => name).join(', ')}`)
  const made = shape.make(count, new Random(seed))
  const paths = longestPaths(made)
  const derivations = made.map(({ kind, needs, seconds, system }, position): ScheduledDerivation => {
    const hash = position.toString(10).padStart(32, '0')
    const named = `${kind}-${position}-1.0`
    return {
      drvPath: fromBaseName(`${hash}-${named}.drv`),
      system: shape.systems[system] ?? '',
      outputs: { out: fromBaseName(`${hash}-${named}`) },
      inputs: [],
      needs,
      needsPublished: needs.filter((need) => made[need]?.system !== system),
      seconds,
      path: paths[position] ?? 0,
    }
  })
  return { version: 1, run: `${name}-${count}`, wave: 1, derivations }
}

/** @param before what stands in the graph already; positions go on behind it */
function nixpkgs(count: number, random: Random, system: number, before: Made[]): Made[] {
  const made: Made[] = []
  const start = before.length
  const trunkCount = Math.min(120, Math.max(12, Math.round(count * 0.03)))
  const packages: number[] = []
  const add = (kind: Made['kind'], needs: number[], seconds: number): number => {
    made.push({ kind, needs: [...new Set(needs)], seconds, system })
    return start + made.length - 1
  }
  while (made.length < count) {
    const index = packages.length
    const needs =
      random.next() < 0.5 && made.length < count - 1 ? [add('source', [], fetchSeconds(random))] : []
    if (index < trunkCount) {
      const last = packages.at(-1)
      if (last !== undefined) needs.push(last)
      packages.push(add('package', needs, trunkSeconds(random)))
      continue
    }
    // half of what anything needs is among the first packages, as in nixpkgs; the trunk's end is needed by all
    const end = packages[trunkCount - 1]
    if (end !== undefined) needs.push(end)
    const libraries = Math.max(trunkCount + 1, Math.round(index * 0.3))
    for (let wanted = 1 + random.below(5); wanted > 0; wanted--) {
      const need = packages[Math.floor(libraries * random.next() ** 2)]
      if (need !== undefined) needs.push(need)
    }
    packages.push(add('package', needs, buildSeconds(random)))
  }
  return made
}

function threeSystems(count: number, random: Random): Made[] {
  const made: Made[] = []
  for (const system of [0, 1, 2]) {
    const size = system < 2 ? Math.floor(count / 3) : count - made.length
    const others = made.length
    const own = nixpkgs(size, random, system, made)
    for (const [index, one] of own.entries())
      // the last tenth: what is generated on one system for another
      if (others > 0 && index > size * 0.9 && random.next() < 0.2) one.needs.push(random.below(others))
    made.push(...own)
  }
  return made
}

function layers(count: number, random: Random): Made[] {
  const width = 40
  return Array.from({ length: count }, (_, position) => {
    const layer = Math.floor(position / width)
    const needs =
      layer === 0 ? [] : Array.from({ length: 4 }, () => (layer - 1) * width + random.below(width))
    return { kind: 'package', needs: [...new Set(needs)], seconds: buildSeconds(random), system: 0 }
  })
}

function diamonds(count: number, random: Random): Made[] {
  const made: Made[] = []
  const add = (needs: number[]): number =>
    made.push({ kind: 'package', needs, seconds: buildSeconds(random), system: 0 }) - 1
  let joint = add([])
  while (made.length < count) {
    const width = Math.min(2 + random.below(23), count - made.length)
    const from = joint
    const sides = Array.from({ length: width }, () => add([from]))
    if (made.length < count) joint = add(sides)
  }
  return made
}

function trees(count: number, random: Random): Made[] {
  const made: Made[] = []
  let roots: number[] = []
  while (made.length < count) {
    const isLeaf = roots.length < 3 || random.next() < 0.6
    const needs = isLeaf ? [] : roots.slice(0, 3)
    if (!isLeaf) roots = roots.slice(3)
    roots.push(made.push({ kind: 'package', needs, seconds: buildSeconds(random), system: 0 }) - 1)
  }
  return made
}

function wide(count: number, random: Random): Made[] {
  return Array.from({ length: count }, () => ({
    kind: 'package',
    needs: [],
    seconds: buildSeconds(random),
    system: 0,
  }))
}

function chain(count: number, random: Random): Made[] {
  return Array.from({ length: count }, (_, position) => ({
    kind: 'package',
    needs: position === 0 ? [] : [position - 1],
    seconds: buildSeconds(random),
    system: 0,
  }))
}
