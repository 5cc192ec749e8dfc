import type { Guard } from '../guard.ts'

const PERMISSIONS = 'test/adversary/permissions.test.ts'
const BUILDERS = 'resources/roles-builders.yml'
const FUNCTIONS = 'resources/roles-functions.yml'

const CREATE = `              - Effect: Allow
                Action: s3:PutObject
                Resource: !Sub '\${StagingBucket.Arn}/staging/\${!aws:userid}/*'
                Condition: { 'Null': { 's3:if-none-match': 'false' } }
`
const PARTS = '              # Parts of an upload are no object yet'

/** Of what AWS lets each role do. Where the guard is that a permission is not there, taking it out is giving the permission. */
export const ROLES: Guard[] = [
  {
    name: 'a builder overwrites nothing that it staged',
    file: BUILDERS,
    text: `                Condition: { 'Null': { 's3:if-none-match': 'false' } }\n${PARTS}`,
    without: PARTS,
    test: PERMISSIONS,
    only: ['a builder may not > overwriting its own staged object'],
    template: true,
  },
  {
    name: 'nor by an upload in parts',
    file: BUILDERS,
    text: "                Condition: { Bool: { 's3:ObjectCreationOperation': 'false' } }\n",
    without: '',
    test: PERMISSIONS,
    only: ['a builder may not > an upload in parts that becomes an object'],
    template: true,
  },
  {
    name: 'a builder writes below its own prefix only, and to no other batch’s',
    file: BUILDERS,
    text: `${CREATE}${PARTS}`,
    without: `${CREATE.replace('/staging/${!aws:userid}/*', '/*')}${PARTS}`,
    test: PERMISSIONS,
    only: ["a builder may not > writing to another batch's prefix"],
    template: true,
  },
  {
    name: 'a builder reads nothing that was staged',
    file: BUILDERS,
    text: PARTS,
    without: `              - { Effect: Allow, Action: s3:GetObject, Resource: !Sub '\${StagingBucket.Arn}/staging/*' }\n${PARTS}`,
    test: PERMISSIONS,
    only: ['a builder may not > reading what'],
    template: true,
  },
  {
    name: 'a builder lists nothing that was staged',
    file: BUILDERS,
    text: PARTS,
    without: `              - { Effect: Allow, Action: s3:ListBucket, Resource: !GetAtt StagingBucket.Arn }\n${PARTS}`,
    test: PERMISSIONS,
    only: ['a builder may not > listing'],
    template: true,
  },
  {
    name: 'a builder does not write the cache',
    file: BUILDERS,
    text: PARTS,
    without: `              - { Effect: Allow, Action: s3:PutObject, Resource: !Sub '\${CacheBucket.Arn}/*' }\n${PARTS}`,
    test: PERMISSIONS,
    only: ['a builder may not > writing a narinfo into the cache'],
    template: true,
  },
  {
    name: 'a builder does not write the state bucket: no plan, no batch, no archive',
    file: BUILDERS,
    text: PARTS,
    without: `              - { Effect: Allow, Action: s3:PutObject, Resource: !Sub '\${StateBucket.Arn}/*' }\n${PARTS}`,
    test: PERMISSIONS,
    only: [
      'a builder may not > replacing the archive',
      'a builder may not > writing a batch',
      'a builder may not > claiming that',
    ],
    template: true,
  },
  {
    name: 'an evaluator overwrites nothing that it staged',
    file: BUILDERS,
    text: "                Condition: { 'Null': { 's3:if-none-match': 'false' } }\n              - Effect: Allow\n",
    without: '              - Effect: Allow\n',
    test: PERMISSIONS,
    only: ['an evaluator may not > overwriting its own staged object'],
    template: true,
  },
  {
    name: 'Plan reads nothing of a builder',
    file: FUNCTIONS,
    text: "Resource: !Sub '${StagingBucket.Arn}/staging/${EvaluatorRole.RoleId}:*'",
    without: "Resource: !Sub '${StagingBucket.Arn}/staging/*'",
    test: PERMISSIONS,
    only: ['Plan reads what evaluators stage'],
    template: true,
  },
  {
    name: 'Publish reads nothing of an evaluator',
    file: FUNCTIONS,
    text: "- !Sub '${StagingBucket.Arn}/staging/${BuilderRole.RoleId}:*'",
    without: "- !Sub '${StagingBucket.Arn}/staging/*'",
    test: PERMISSIONS,
    only: ['Publish reads what builders stage'],
    template: true,
  },
  {
    name: 'Publish alone writes the cache',
    file: FUNCTIONS,
    text: "- { Effect: Allow, Action: s3:GetObject, Resource: !Sub '${CacheBucket.Arn}/*.narinfo' }",
    without:
      "- { Effect: Allow, Action: [s3:GetObject, s3:PutObject], Resource: !Sub '${CacheBucket.Arn}/*.narinfo' }",
    test: PERMISSIONS,
    only: ['the cache is not written by'],
    template: true,
  },
  {
    name: 'the signing key is read by Publish alone: administrators do not',
    file: 'resources/secrets.yml',
    text: '              - secretsmanager:GetSecretValue\n',
    without: '',
    test: PERMISSIONS,
    only: ['the signing key is not for'],
    template: true,
  },
  {
    name: 'the signing key is made by Publish alone: nobody puts one there that he knows',
    file: 'resources/secrets.yml',
    text: '              - secretsmanager:PutSecretValue\n',
    without: '',
    test: PERMISSIONS,
    only: ['the signing key is not for'],
    template: true,
  },
  {
    name: 'no other role may read the signing key',
    file: FUNCTIONS,
    text: '- { Effect: Allow, Action: secretsmanager:GetSecretValue, Resource: !Ref WebhookSecret }',
    without:
      '- { Effect: Allow, Action: secretsmanager:GetSecretValue, Resource: [!Ref WebhookSecret, !Ref SigningKey] }',
    test: PERMISSIONS,
    only: ['the signing key is not for'],
    template: true,
    covered: {
      by: 'the secret’s own policy denies everybody else',
      file: 'resources/secrets.yml',
      text: '              - secretsmanager:GetSecretValue\n',
      without: '',
    },
  },
]
