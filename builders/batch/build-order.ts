import type { StorePath } from '../../nix/store-path.ts'

/** What decides when a derivation is built. */
export interface OrderedDerivation {
  drvPath: StorePath
  /** derivations of the order that have to be built before */
  needs: StorePath[]
  /** seconds from its start to the end of the last that needs it: the longest is built first */
  path: number
}

/** Why a derivation is not going to be built: inputs that no cache has, or derivations that failed by themselves. */
export type Obstacle =
  | { status: 'input-missing'; missing: StorePath[] }
  | { status: 'dependency-failed'; because: StorePath[] }

interface Node extends OrderedDerivation {
  state: 'waiting' | 'ready' | 'building' | 'built' | 'not built'
  /** what has to be settled before */
  left: Set<StorePath>
  dependents: Node[]
  missing: Set<StorePath>
  failed: Set<StorePath>
}

/**
 * What a machine builds next: of everything that it has in hand, whatever batch it came with. It remembers what it has had, because what is given later may need it.
 */
export class BuildOrder {
  readonly #nodes = new Map<StorePath, Node>()
  /** the longest path last */
  readonly #ready: Node[] = []
  readonly #onObstacle: (drvPath: StorePath, obstacle: Obstacle) => void

  /** @param onObstacle is told once of each derivation that is not going to be built, because of something that it needs */
  constructor(onObstacle: (drvPath: StorePath, obstacle: Obstacle) => void) {
    this.#onObstacle = onObstacle
  }

  /** Whether it has had a derivation. */
  has(drvPath: StorePath): boolean {
    return this.#nodes.has(drvPath)
  }

  /** Whether it has a derivation that is neither built nor known not to be. */
  isOpen(drvPath: StorePath): boolean {
    const state = this.#nodes.get(drvPath)?.state
    return state !== undefined && state !== 'built' && state !== 'not built'
  }

  get readyCount(): number {
    return this.#ready.length
  }

  /**
   * @param derivations none of which is open
   * @param missing the inputs of some that no cache has: they are not built, nor is what needs them
   */
  add(derivations: OrderedDerivation[], missing: Map<StorePath, StorePath[]> = new Map()): void {
    const nodes = derivations.map((derivation): Node => {
      const lacks = new Set(missing.get(derivation.drvPath))
      return {
        ...derivation,
        state: 'waiting',
        left: new Set(),
        dependents: [],
        missing: lacks,
        failed: new Set(),
      }
    })
    for (const node of nodes) this.#nodes.set(node.drvPath, node)
    for (const node of nodes)
      for (const path of node.needs) {
        const need = this.#nodes.get(path)
        if (need === undefined || need.state === 'built') continue
        if (need.state === 'not built') blame(node, need)
        else {
          node.left.add(path)
          need.dependents.push(node)
        }
      }
    const collected = new Set<Node>()
    for (const node of nodes) this.#collectMissing(node, collected)
    // At once, whatever else they wait for: Plan is to look for what is missing.
    for (const node of nodes) if (node.missing.size > 0) this.#giveUp(node)
    for (const node of nodes) if (node.state === 'waiting' && node.left.size === 0) this.#settleWaiting(node)
  }

  /** Takes the derivation with the longest path of those that can be built now. */
  next(): StorePath | undefined {
    const node = this.#ready.pop()
    if (node === undefined) return undefined
    node.state = 'building'
    return node.drvPath
  }

  built(drvPath: StorePath): void {
    const node = this.#nodes.get(drvPath)
    if (node === undefined) return
    if (node.state === 'ready') this.#ready.splice(this.#ready.indexOf(node), 1)
    node.state = 'built'
    this.#release(node)
  }

  /** A derivation failed by itself. */
  failed(drvPath: StorePath): void {
    const node = this.#nodes.get(drvPath)
    if (node === undefined) return
    node.failed.add(drvPath)
    node.state = 'not built'
    this.#release(node)
  }

  /** What a derivation lacks because of what it needs. @param collected for which that is known */
  #collectMissing(node: Node, collected: Set<Node>): void {
    if (collected.has(node)) return
    collected.add(node)
    for (const path of node.needs) {
      const need = this.#nodes.get(path)
      if (need === undefined || need.state !== 'waiting') continue
      this.#collectMissing(need, collected)
      for (const missing of need.missing) node.missing.add(missing)
    }
  }

  #release(node: Node): void {
    for (const dependent of node.dependents) {
      dependent.left.delete(node.drvPath)
      if (dependent.state !== 'waiting') continue
      if (node.state === 'not built') blame(dependent, node)
      if (dependent.missing.size > 0) this.#giveUp(dependent)
      else if (dependent.left.size === 0) this.#settleWaiting(dependent)
    }
    node.dependents = []
  }

  /** Everything that it needs is settled: so everything that is to blame is known. */
  #settleWaiting(node: Node): void {
    if (node.failed.size > 0) this.#giveUp(node)
    else {
      node.state = 'ready'
      const isLonger = (other: Node): boolean => other.path >= node.path
      const at = this.#ready.findIndex(isLonger)
      this.#ready.splice(at === -1 ? this.#ready.length : at, 0, node)
    }
  }

  #giveUp(node: Node): void {
    if (node.state === 'not built') return
    node.state = 'not built'
    const { drvPath, missing, failed } = node
    this.#onObstacle(
      drvPath,
      missing.size > 0
        ? { status: 'input-missing', missing: [...missing] }
        : { status: 'dependency-failed', because: [...failed] },
    )
    this.#release(node)
  }
}

function blame(node: Node, need: Node): void {
  for (const path of need.missing) node.missing.add(path)
  for (const path of need.failed) node.failed.add(path)
}
