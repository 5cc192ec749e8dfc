import { describe, expect, test } from 'vitest'
import { evaluatePolicies, type PolicyDocument, type Statement } from '../../../local/gateway/policy.ts'

const NARINFO = 'arn:aws:s3:::cache/abc.narinfo'

function policy(...statements: Statement[]): PolicyDocument {
  return { Version: '2012-10-17', Statement: statements }
}

function allow(action: string | string[], resource: string | string[] = '*'): Statement {
  return { Effect: 'Allow', Action: action, Resource: resource }
}

function deny(action: string | string[], resource: string | string[] = '*'): Statement {
  return { Effect: 'Deny', Action: action, Resource: resource }
}

describe('an explicit Deny wins, then an Allow, and what nobody allows is denied', () => {
  test.each<[string, PolicyDocument[], boolean, string]>([
    ['no policy at all', [], false, 'no statement of the policies allows s3:GetObject on '],
    ['a policy for something else', [policy(allow('s3:PutObject'))], false, 'no statement'],
    ['an Allow', [policy(allow('s3:GetObject'))], true, 'statement #0 allows'],
    ['Allow and Deny', [policy(allow('*'), deny('s3:GetObject'))], false, 'statement #1 explicitly denies'],
    [
      'Deny before Allow in another policy',
      [policy(deny('s3:*')), policy(allow('*'))],
      false,
      'explicitly denies',
    ],
    [
      'the Sid names the statement',
      [policy({ ...allow('s3:GetObject'), Sid: 'ReadCache' })],
      true,
      'statement ReadCache',
    ],
    [
      'one statement without a list',
      [{ Version: '2012-10-17', Statement: allow('s3:GetObject') }],
      true,
      'allows',
    ],
  ])('%s', (_, policies, allowed, because) => {
    const decision = evaluatePolicies(policies, { action: 's3:GetObject', resource: NARINFO, context: {} })
    expect(decision).toEqual({ allowed, because: expect.stringContaining(because) })
  })
})

describe('actions', () => {
  test.each<[string, Partial<Statement>, string, boolean]>([
    ['the exact name', { Action: 's3:GetObject' }, 's3:GetObject', true],
    ['case does not matter', { Action: 'S3:getobject' }, 's3:GetObject', true],
    ['a prefix', { Action: 's3:Get*' }, 's3:GetObjectTagging', true],
    ['a prefix that does not fit', { Action: 's3:Get*' }, 's3:PutObject', false],
    ['? is one character', { Action: 's3:?etObject' }, 's3:GetObject', true],
    ['? is not two', { Action: 's3:?Object' }, 's3:GetObject', false],
    ['one of several', { Action: ['s3:PutObject', 's3:GetObject'] }, 's3:GetObject', true],
    ['no match by a part of the name', { Action: 's3:GetObject' }, 's3:GetObjectTagging', false],
    ['NotAction covers the others', { NotAction: 'iam:*' }, 's3:GetObject', true],
    ['NotAction does not cover its own', { NotAction: 'iam:*' }, 'iam:PassRole', false],
    ['a dot is a dot', { Action: 's3.GetObject' }, 's3:GetObject', false],
  ])('%s', (_, part, action, allowed) => {
    const statement: Statement = { Effect: 'Allow', Resource: '*', ...part }
    expect(evaluatePolicies([policy(statement)], { action, resource: '*', context: {} }).allowed).toBe(
      allowed,
    )
  })
})

describe('resources', () => {
  const user = 'AROAEXAMPLE:AWSCodeBuild-7'
  test.each<[string, Partial<Statement>, string, boolean]>([
    ['*', { Resource: '*' }, NARINFO, true],
    ['the exact ARN', { Resource: NARINFO }, NARINFO, true],
    ['case matters', { Resource: 'arn:aws:s3:::Cache/abc.narinfo' }, NARINFO, false],
    ['a bucket is not its objects', { Resource: 'arn:aws:s3:::cache' }, NARINFO, false],
    ['objects are not their bucket', { Resource: 'arn:aws:s3:::cache/*' }, 'arn:aws:s3:::cache', false],
    ['* crosses slashes', { Resource: 'arn:aws:s3:::cache/*' }, 'arn:aws:s3:::cache/nar/1.nar.zst', true],
    ['* in the middle of a key', { Resource: 'arn:aws:s3:::cache/*.narinfo' }, NARINFO, true],
    ['* in a key with colons', { Resource: 'arn:aws:s3:::staging/*/x' }, 'arn:aws:s3:::staging/a:b/x', true],
    ['? is one character', { Resource: 'arn:aws:s3:::cache/abc.narinf?' }, NARINFO, true],
    [
      'a wildcard region',
      { Resource: 'arn:aws:states:*:123456789012:execution:warm:*' },
      'arn:aws:states:us-east-1:123456789012:execution:warm:run-1',
      true,
    ],
    [
      'a wildcard within a segment stays within it',
      { Resource: 'arn:aws:states:us*1:123456789012:activity:mac' },
      'arn:aws:states:us-east-1:9:1:123456789012:activity:mac',
      false,
    ],
    [
      'a * at the end of a segment goes on',
      { Resource: 'arn:aws:lambda:*' },
      'arn:aws:lambda:us-east-1:123456789012:function:plan',
      true,
    ],
    [
      'a variable',
      { Resource: 'arn:aws:s3:::staging/staging/${aws:userid}/*' },
      `arn:aws:s3:::staging/staging/${user}/result`,
      true,
    ],
    [
      'a variable, another user',
      { Resource: 'arn:aws:s3:::staging/staging/${aws:userid}/*' },
      'arn:aws:s3:::staging/staging/AROAEXAMPLE:AWSCodeBuild-8/result',
      false,
    ],
    [
      'a variable in another case',
      { Resource: 'arn:aws:s3:::b/${AWS:UserId}' },
      `arn:aws:s3:::b/${user}`,
      true,
    ],
    [
      'a variable without a value matches nothing',
      { Resource: 'arn:aws:s3:::b/${aws:username}*' },
      'arn:aws:s3:::b/x',
      false,
    ],
    [
      'a variable with a default',
      { Resource: "arn:aws:s3:::b/${aws:PrincipalTag/team, 'none'}" },
      'arn:aws:s3:::b/none',
      true,
    ],
    ['an escaped wildcard', { Resource: 'arn:aws:s3:::b/${*}' }, 'arn:aws:s3:::b/*', true],
    ['an escaped wildcard is no wildcard', { Resource: 'arn:aws:s3:::b/${*}' }, 'arn:aws:s3:::b/x', false],
    [
      'wildcards in a value are literal',
      { Resource: 'arn:aws:s3:::b/${aws:SourceIdentity}' },
      'arn:aws:s3:::b/anything',
      false,
    ],
    ['NotResource covers the others', { NotResource: 'arn:aws:s3:::secrets/*' }, NARINFO, true],
    ['NotResource does not cover its own', { NotResource: 'arn:aws:s3:::cache/*' }, NARINFO, false],
    [
      'NotResource with a variable without a value is void',
      { NotResource: 'arn:aws:s3:::b/${aws:username}' },
      NARINFO,
      false,
    ],
  ])('%s', (_, part, resource, allowed) => {
    const statement: Statement = { Effect: 'Allow', Action: '*', ...part }
    const context = { 'aws:userid': user, 'aws:SourceIdentity': '*' }
    expect(evaluatePolicies([policy(statement)], { action: 's3:GetObject', resource, context }).allowed).toBe(
      allowed,
    )
  })
})

describe('conditions', () => {
  const context = {
    'aws:userid': 'AROA:build-7',
    's3:prefix': 'roots/input-output-hk',
    's3:max-keys': '100',
    's3:ObjectCreationOperation': 'true',
    'aws:PrincipalArn': 'arn:aws:sts::123456789012:assumed-role/Build/build-7',
    'aws:SecureTransport': undefined,
  }
  test.each<[string, NonNullable<Statement['Condition']>, boolean]>([
    ['StringEquals', { StringEquals: { 'aws:userid': 'AROA:build-7' } }, true],
    ['StringEquals, another value', { StringEquals: { 'aws:userid': 'AROA:build-8' } }, false],
    ['StringEquals knows no wildcards', { StringEquals: { 'aws:userid': 'AROA:*' } }, false],
    ['StringEquals, one of several', { StringEquals: { 'aws:userid': ['x', 'AROA:build-7'] } }, true],
    ['StringEquals, key absent', { StringEquals: { 's3:if-match': 'x' } }, false],
    ['keys are not case-sensitive', { StringEquals: { 'S3:PREFIX': 'roots/input-output-hk' } }, true],
    ['values are', { StringEquals: { 's3:prefix': 'Roots/input-output-hk' } }, false],
    ['StringEqualsIgnoreCase', { StringEqualsIgnoreCase: { 's3:prefix': 'ROOTS/input-output-hk' } }, true],
    ['StringNotEquals', { StringNotEquals: { 'aws:userid': 'AROA:build-8' } }, true],
    ['StringNotEquals, none of several', { StringNotEquals: { 'aws:userid': ['x', 'AROA:build-7'] } }, false],
    ['StringNotEquals, key absent', { StringNotEquals: { 's3:if-match': 'x' } }, true],
    ['StringLike', { StringLike: { 's3:prefix': 'roots/*' } }, true],
    ['StringLike, another prefix', { StringLike: { 's3:prefix': 'runs/*' } }, false],
    ['StringLike with a variable', { StringLike: { 'aws:PrincipalArn': '*/${aws:userid}' } }, false],
    ['StringNotLike', { StringNotLike: { 's3:prefix': 'runs/*' } }, true],
    ['StringEqualsIfExists, key absent', { StringEqualsIfExists: { 's3:if-match': 'x' } }, true],
    ['StringEqualsIfExists, other value', { StringEqualsIfExists: { 's3:prefix': 'x' } }, false],
    ['a key with the value undefined is absent', { Bool: { 'aws:SecureTransport': 'true' } }, false],
    ['Bool', { Bool: { 's3:ObjectCreationOperation': 'true' } }, true],
    ['Bool takes a JSON boolean', { Bool: { 's3:ObjectCreationOperation': false } }, false],
    ['Null true, key absent', { Null: { 's3:if-none-match': 'true' } }, true],
    ['Null true, key there', { Null: { 's3:prefix': 'true' } }, false],
    ['Null false, key there', { Null: { 's3:prefix': 'false' } }, true],
    ['Null false, key absent', { Null: { 's3:if-none-match': false } }, false],
    ['NumericLessThanEquals', { NumericLessThanEquals: { 's3:max-keys': '100' } }, true],
    ['NumericLessThan', { NumericLessThan: { 's3:max-keys': 100 } }, false],
    ['NumericGreaterThan', { NumericGreaterThan: { 's3:max-keys': '9' } }, true],
    ['NumericEquals compares numbers', { NumericEquals: { 's3:max-keys': '100.0' } }, true],
    ['NumericLessThan on what is no number', { NumericLessThan: { 's3:prefix': '5' } }, false],
    ['ArnLike', { ArnLike: { 'aws:PrincipalArn': 'arn:aws:sts::123456789012:assumed-role/Build/*' } }, true],
    [
      'ArnLike matches each segment by itself',
      { ArnLike: { 'aws:PrincipalArn': 'arn:*:assumed-role/Build/*' } },
      false,
    ],
    [
      'ArnEquals takes wildcards too',
      { ArnEquals: { 'aws:PrincipalArn': 'arn:aws:sts::*:assumed-role/*' } },
      true,
    ],
    ['ArnNotLike', { ArnNotLike: { 'aws:PrincipalArn': 'arn:aws:iam::*:*' } }, true],
    ['ForAllValues, key absent', { 'ForAllValues:StringEquals': { 'aws:TagKeys': ['team'] } }, true],
    ['ForAnyValue, key absent', { 'ForAnyValue:StringEquals': { 'aws:TagKeys': ['team'] } }, false],
    ['ForAnyValue', { 'ForAnyValue:StringLike': { 's3:prefix': ['runs/*', 'roots/*'] } }, true],
    [
      'all operators and all keys must hold',
      { StringLike: { 's3:prefix': 'roots/*' }, Bool: { 's3:ObjectCreationOperation': 'false' } },
      false,
    ],
  ])('%s', (_, Condition, allowed) => {
    const statement: Statement = { Effect: 'Allow', Action: '*', Resource: '*', Condition }
    expect(
      evaluatePolicies([policy(statement)], { action: 's3:PutObject', resource: NARINFO, context }).allowed,
    ).toBe(allowed)
  })

  test('writes are refused unless conditional, but multipart parts are exempt (S3 user guide, "Enforce conditional writes")', () => {
    const policies = [
      policy(allow('s3:PutObject', 'arn:aws:s3:::cache/*'), {
        ...deny('s3:PutObject', 'arn:aws:s3:::cache/*'),
        Condition: { Null: { 's3:if-none-match': 'true' }, Bool: { 's3:ObjectCreationOperation': 'true' } },
      }),
    ]
    const put = (context: Record<string, string>): boolean =>
      evaluatePolicies(policies, { action: 's3:PutObject', resource: NARINFO, context }).allowed
    expect(put({ 's3:ObjectCreationOperation': 'true' })).toBe(false)
    expect(put({ 's3:ObjectCreationOperation': 'true', 's3:if-none-match': '*' })).toBe(true)
    expect(put({ 's3:ObjectCreationOperation': 'false' })).toBe(true)
  })
})

describe('what the evaluator does not know is an error that names it', () => {
  const good = { Effect: 'Allow', Action: 's3:GetObject', Resource: '*' }
  test.each<[string, unknown, string]>([
    ['an unknown statement field', { ...good, Resources: '*' }, 'unknown field "Resources"'],
    ['a principal', { ...good, Principal: '*' }, 'Principal belongs in a resource policy'],
    ['no effect', { Action: 's3:GetObject', Resource: '*' }, 'Effect must be'],
    ['another effect', { ...good, Effect: 'allow' }, 'not "allow"'],
    ['Action and NotAction', { ...good, NotAction: 'x' }, 'exactly one of Action and NotAction'],
    ['no resource', { Effect: 'Allow', Action: 's3:GetObject' }, 'exactly one of Resource and NotResource'],
    ['an unresolved intrinsic', { ...good, Resource: { Ref: 'Bucket' } }, 'Resource must be one string'],
    [
      'an unresolved intrinsic in a condition',
      { ...good, Condition: { StringEquals: { 'aws:userid': { Ref: 'Role' } } } },
      'an unresolved intrinsic function?',
    ],
    [
      'an unknown operator, even in a statement that does not apply',
      { ...good, Action: 's3:PutObject', Condition: { StringEqual: { 'aws:userid': 'x' } } },
      'unknown condition operator "StringEqual"',
    ],
    [
      'an unknown operator behind one that fails',
      { ...good, Condition: { StringEquals: { 'aws:userid': 'x' }, IpAdress: { 'aws:SourceIp': '::1' } } },
      '"IpAdress"',
    ],
    ['an open variable', { ...good, Resource: 'arn:aws:s3:::b/${aws:userid' }, 'has no "}"'],
    ['an empty variable', { ...good, Resource: 'arn:aws:s3:::b/${}' }, 'is no policy variable'],
    [
      'a number that is none',
      { ...good, Condition: { NumericLessThan: { 's3:max-keys': 'ten' } } },
      'is no number',
    ],
    [
      'Null with another word',
      { ...good, Condition: { Null: { 's3:prefix': 'yes' } } },
      'must be "true" or "false"',
    ],
  ])('%s', (_, statement, message) => {
    const document = JSON.parse(JSON.stringify({ Version: '2012-10-17', Statement: [statement] }))
    expect(() =>
      evaluatePolicies([document], {
        action: 's3:GetObject',
        resource: NARINFO,
        context: { 's3:max-keys': '1', 's3:prefix': '' },
      }),
    ).toThrow(expect.objectContaining({ name: 'InvalidPolicy', message: expect.stringContaining(message) }))
  })

  test.each<[string, unknown]>([
    ['an old version', { Version: '2008-10-17', Statement: [] }],
    ['no version', { Statement: [] }],
    ['an unknown document field', { Version: '2012-10-17', Statement: [], Statements: [] }],
    ['no object', 'allow everything'],
  ])('a document with %s', (_, document) => {
    const parsed = JSON.parse(JSON.stringify(document))
    expect(() => evaluatePolicies([parsed], { action: 'a:b', resource: '*', context: {} })).toThrow(
      expect.objectContaining({ name: 'InvalidPolicy' }),
    )
  })
})
