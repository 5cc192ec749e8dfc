export interface Route {
  /** `POST /github`, `ANY /x/{proxy+}` or `$default` */
  key: string
  functionName: string
  timeoutMilliseconds: number
}

export interface FoundRoute {
  route: Route
  pathParameters: Record<string, string>
}

/**
 * The route of a request: a full match first, then a greedy one (`{proxy+}`), then `$default`; a method before ANY.
 * Source: API Gateway developer guide, "Routing API requests".
 */
export function findRoute(routes: Route[], method: string, path: string): FoundRoute | undefined {
  const matching = routes
    .map((route) => ({ route, pathParameters: matchRoute(route.key, method, path) }))
    .filter((candidate): candidate is FoundRoute => candidate.pathParameters !== undefined)
  return matching.sort((left, right) => rank(left.route) - rank(right.route))[0]
}

function rank({ key }: Route): number {
  if (key === '$default') return 4
  return (key.includes('+}') ? 2 : 0) + (key.startsWith('ANY ') ? 1 : 0)
}

function matchRoute(key: string, method: string, path: string): Record<string, string> | undefined {
  if (key === '$default') return {}
  const [routeMethod, routePath = ''] = key.split(' ')
  if (routeMethod !== 'ANY' && routeMethod !== method) return undefined
  const pattern = routePath
    .split('/')
    .map((part) => {
      const variable = /^\{(\w+)(\+?)\}$/.exec(part)
      if (variable === null) return part.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`)
      return `(?<${variable[1]}>${variable[2] === '+' ? '.+' : '[^/]+'})`
    })
    .join('/')
  const match = new RegExp(`^${pattern}$`).exec(path)
  return match === null ? undefined : { ...match.groups }
}
