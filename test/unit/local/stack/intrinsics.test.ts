import { describe, expect, test } from 'vitest'
import {
  referencesOf,
  resolveCondition,
  resolveValue,
  type Scope,
} from '../../../../local/stack/intrinsics.ts'
import type { Value } from '../../../../local/stack/template.ts'
import { TemplateError } from '../../../../local/stack/template.ts'

const refs: Record<string, Value> = {
  Bucket: 'my-bucket',
  Stage: 'prod',
  'AWS::Region': 'us-east-1',
  Zones: ['a', 'b'],
}
const scope: Scope = {
  region: 'us-east-1',
  ref: (name) => {
    const value = refs[name]
    if (value === undefined) throw new TemplateError(`Ref: there is no "${name}"`)
    return value
  },
  attribute: (id, attribute) => `${id}/${attribute}`,
  condition: (name) => name === 'IsProd',
  mapping: (map, top, second) => `${map}.${top}.${second}`,
}
const resolve = (value: Value): Value => resolveValue(value, scope, 'Resources.X')

describe('intrinsic functions', () => {
  test.each<[string, Value, Value]>([
    ['Ref', { Ref: 'Bucket' }, 'my-bucket'],
    ['Ref of a pseudo parameter', { Ref: 'AWS::Region' }, 'us-east-1'],
    ['GetAtt as a list', { 'Fn::GetAtt': ['Role', 'Arn'] }, 'Role/Arn'],
    ['GetAtt with a dot', { 'Fn::GetAtt': 'Role.Arn' }, 'Role/Arn'],
    ['GetAtt of a nested attribute', { 'Fn::GetAtt': 'Stack.Outputs.Name' }, 'Stack/Outputs.Name'],
    ['Sub', { 'Fn::Sub': '${Role.Arn}:${Bucket}:${AWS::Region}' }, 'Role/Arn:my-bucket:us-east-1'],
    ['Sub keeps a literal', { 'Fn::Sub': 'staging/${!aws:userid}/*' }, 'staging/${aws:userid}/*'],
    ['Sub with variables', { 'Fn::Sub': ['${a}-${Stage}', { a: { Ref: 'Bucket' } }] }, 'my-bucket-prod'],
    ['Join', { 'Fn::Join': ['/', ['a', { Ref: 'Stage' }, 1]] }, 'a/prod/1'],
    ['Select', { 'Fn::Select': [1, { 'Fn::Split': ['-', 'x-y-z'] }] }, 'y'],
    ['Split', { 'Fn::Split': ['-', { Ref: 'Bucket' }] }, ['my', 'bucket']],
    ['FindInMap', { 'Fn::FindInMap': ['M', { Ref: 'Stage' }, 'k'] }, 'M.prod.k'],
    ['Base64', { 'Fn::Base64': 'hello' }, 'aGVsbG8='],
    ['If true', { 'Fn::If': ['IsProd', 'yes', 'no'] }, 'yes'],
    ['If false', { 'Fn::If': ['IsTest', 'yes', { Ref: 'Stage' }] }, 'prod'],
    ['If leaves a property out', { a: 1, b: { 'Fn::If': ['IsTest', 2, { Ref: 'AWS::NoValue' }] } }, { a: 1 }],
    ['NoValue leaves an item out', ['x', { Ref: 'AWS::NoValue' }], ['x']],
    ['inside lists and objects', { a: [{ b: { Ref: 'Stage' } }] }, { a: [{ b: 'prod' }] }],
    [
      'Condition of a policy is no intrinsic',
      { Condition: { Bool: { x: 'true' } } },
      { Condition: { Bool: { x: 'true' } } },
    ],
    ['a placeholder outside Fn::Sub stays', { Definition: '${Name}' }, { Definition: '${Name}' }],
  ])('%s', (_, value, expected) => {
    expect(resolve(value)).toEqual(expected)
  })

  test.each<[string, Value, string]>([
    ['unknown', { 'Fn::ImportValue': 'x' }, 'Resources.X: unknown intrinsic function "Fn::ImportValue"'],
    [
      'unknown, deep inside',
      { Env: { A: { 'Fn::Transform': {} } } },
      'Resources.X.Env.A: unknown intrinsic function "Fn::Transform"',
    ],
    ['a Ref to nothing', { a: { Ref: 'Nothing' } }, 'Resources.X.a: Ref: there is no "Nothing"'],
    ['a Sub of nothing', { 'Fn::Sub': '${Nothing}' }, 'Resources.X: Ref: there is no "Nothing"'],
    [
      'with a second key',
      { Ref: 'Bucket', Other: 1 },
      'Resources.X: Ref has to be the only key of its object',
    ],
    [
      'Join with three arguments',
      { 'Fn::Join': ['a', ['b'], 'c'] },
      'Resources.X: Fn::Join takes a list of 2',
    ],
    ['Join of an object', { 'Fn::Join': ['', [{ a: 1 }]] }, 'Resources.X: Fn::Join: {"a":1} is no string'],
    ['Select beyond the end', { 'Fn::Select': [5, ['a']] }, 'Resources.X: Fn::Select: there is no item 5'],
    [
      'a dynamic reference',
      '{{resolve:ssm:x}}',
      'Resources.X: dynamic references ({{resolve:…}}) are not known to the local stack',
    ],
  ])('%s is an error that names the place', (_, value, message) => {
    expect(() => resolve(value)).toThrow(new TemplateError(message))
  })
})

describe('conditions', () => {
  test.each<[string, Value, boolean]>([
    ['Equals', { 'Fn::Equals': [{ Ref: 'Stage' }, 'prod'] }, true],
    ['Equals of a number and its text', { 'Fn::Equals': [1, '1'] }, true],
    ['Equals of others', { 'Fn::Equals': [{ Ref: 'Stage' }, 'test'] }, false],
    ['Not', { 'Fn::Not': [{ 'Fn::Equals': ['a', 'a'] }] }, false],
    ['And', { 'Fn::And': [{ Condition: 'IsProd' }, { 'Fn::Equals': ['a', 'b'] }] }, false],
    ['Or', { 'Fn::Or': [{ Condition: 'IsTest' }, { Condition: 'IsProd' }] }, true],
  ])('%s', (_, condition, expected) => {
    expect(resolveCondition(condition, scope, 'Conditions.C')).toBe(expected)
  })

  test.each<[string, Value]>([
    ['Fn::Contains', { 'Fn::Contains': [['a'], 'a'] }],
    ['Fn::If', { 'Fn::If': ['a', 'b', 'c'] }],
  ])('%s is no condition', (name, condition) => {
    expect(() => resolveCondition(condition, scope, 'Conditions.C')).toThrow(
      `unknown condition function "${name}"`,
    )
  })
})

test('references are found wherever they stand', () => {
  const value = {
    a: { Ref: 'A' },
    b: [{ 'Fn::GetAtt': ['B', 'Arn'] }, { 'Fn::GetAtt': 'C.Arn' }],
    c: { 'Fn::Sub': ['${D.Arn} ${E} ${!Literal}', { x: { Ref: 'F' } }] },
    d: { 'Fn::If': ['Condition', { Ref: 'G' }, { 'Fn::Join': ['', [{ Ref: 'H' }]] }] },
  }
  expect([...referencesOf(value)].sort()).toEqual(['A', 'B', 'C', 'D', 'E', 'F', 'G', 'H'])
})
