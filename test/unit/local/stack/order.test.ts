import { describe, expect, test } from 'vitest'
import { creationOrder } from '../../../../local/stack/order.ts'
import type { ResourceDefinition } from '../../../../local/stack/template.ts'

const order = (resources: Record<string, Partial<ResourceDefinition>>): string[] =>
  creationOrder({
    Resources: Object.fromEntries(Object.entries(resources).map(([id, one]) => [id, { Type: 'T', ...one }])),
  })

describe('resources come up after what they need', () => {
  test.each<[string, Record<string, Partial<ResourceDefinition>>, string[]]>([
    ['as written when nothing decides', { B: {}, A: {} }, ['B', 'A']],
    ['Ref', { A: { Properties: { x: { Ref: 'B' } } }, B: {} }, ['B', 'A']],
    ['GetAtt', { A: { Properties: { x: { 'Fn::GetAtt': ['B', 'Arn'] } } }, B: {} }, ['B', 'A']],
    ['Sub', { A: { Properties: { x: { 'Fn::Sub': '${B.Arn}/x' } } }, B: {} }, ['B', 'A']],
    ['DependsOn', { A: { DependsOn: ['C', 'B'] }, B: {}, C: {} }, ['C', 'B', 'A']],
    ['a chain', { A: { DependsOn: 'B' }, B: { DependsOn: 'C' }, C: {} }, ['C', 'B', 'A']],
    ['a parameter is no resource', { A: { Properties: { x: { Ref: 'Stage' } } } }, ['A']],
  ])('%s', (_, resources, expected) => {
    expect(order(resources)).toEqual(expected)
  })

  test('a circle is named', () => {
    const resources = { A: { DependsOn: 'B' }, B: { Properties: { x: { Ref: 'C' } } }, C: { DependsOn: 'A' } }
    expect(() => order(resources)).toThrow('circular dependency: A -> B -> C -> A')
  })

  test('a DependsOn to nothing is named', () => {
    expect(() => order({ A: { DependsOn: 'Gone' } })).toThrow(
      'Resources.A: DependsOn names Gone, which does not exist',
    )
  })
})
