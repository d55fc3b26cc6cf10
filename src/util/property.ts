/** A property of an object, its own or one that it inherits. */
export function propertyOf(object: object, name: string): PropertyDescriptor | undefined {
  for (let holder: object | null = object; holder; holder = Object.getPrototypeOf(holder)) {
    const property = Object.getOwnPropertyDescriptor(holder, name);
    if (property) return property;
  }
  return undefined;
}
