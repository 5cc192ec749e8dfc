import * as fc from 'fast-check'
import type { EvaluatedShell, Graph } from '../../../../functions/shared/contract.ts'
import { drv, graphOf, type Sketch, storePath } from '../graphs.ts'

/** A graph, and the shells that are wanted of it. */
export interface Wanting {
  graph: Graph
  shells: EvaluatedShell[]
}

const SYSTEMS = ['x86_64-linux', 'x86_64-linux', 'aarch64-linux', 'builtin', 'aarch64-darwin']

const node = fc.record({
  system: fc.constantFrom(...SYSTEMS),
  outputs: fc.constantFrom<string[]>(['out'], ['out'], ['out', 'dev']),
  // which earlier nodes it needs, as shares of all earlier nodes, and which of their outputs
  needs: fc.array(fc.tuple(fc.double({ min: 0, max: 0.999, noNaN: true }), fc.boolean()), { maxLength: 4 }),
  local: fc.integer({ min: 0, max: 9 }).map((dice) => dice === 0),
  kind: fc.integer({ min: 0, max: 19 }),
})

/**
 * Any graph without circles, of up to 25 derivations on several systems: with several outputs, with outputs that two derivations own, with
 * features that nobody has, built on the laptop anyway, with paths that nobody knows. Some of its derivations are wanted, as shells or as packages.
 */
export const anyWanting: fc.Arbitrary<Wanting> = fc
  .tuple(
    fc.array(node, { minLength: 1, maxLength: 25 }),
    fc.array(fc.tuple(fc.nat(), fc.boolean()), { minLength: 1, maxLength: 4 }),
  )
  .map(([nodes, wanted]) => {
    const sketches: [string, Sketch][] = []
    for (const [index, { system, outputs, needs, local, kind }] of nodes.entries()) {
      const sketch: Sketch = { system, outputs, local }
      sketch.needs = needs.flatMap(([share, other]) => {
        const [name, { outputs: names = ['out'] }] = sketches[Math.floor(share * index)] ?? [
          '',
          { outputs: [] },
        ]
        return name === '' ? [] : [`${name}.${names[other ? names.length - 1 : 0] ?? 'out'}`]
      })
      if (kind === 0) Object.assign(sketch, { unsupported: 'it is an impure derivation', outputs: [] })
      if (kind === 1) sketch.features = ['quantum']
      if (kind >= 2 && kind <= 4)
        Object.assign(sketch, { outputs: ['out'], paths: { out: storePath(`fixed-${kind % 2}`) } })
      sketches.push([`n${index}`, sketch])
    }
    const shells = wanted.map(([pick, isPackage], index): EvaluatedShell => {
      const [name = ''] = sketches[pick % sketches.length] ?? []
      return {
        attribute: `${isPackage ? 'packages' : 'devShells'}.s${index}`,
        system: 'x86_64-linux',
        drvPath: drv(name),
      }
    })
    return { graph: graphOf(Object.fromEntries(sketches)), shells }
  })
