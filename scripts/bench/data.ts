/** The data of a session. */
export interface Data {
  userId: string;
  visits: number;
  [key: string]: unknown;
}

/** Data whose JSON text has a number of bytes: a user, and things in a cart. */
export function makeData(bytes: number): Data {
  const data = {
    userId: "42",
    visits: 1,
    name: "Ada Lovelace",
    roles: ["reader", "editor"],
    cart: [] as object[],
    note: "",
  };
  const left = () => bytes - JSON.stringify(data).length;
  for (let id = 1000; left() > 60; id++) data.cart.push({ id, quantity: 1, price: 19.95 });
  data.note = "x".repeat(left());
  return data;
}
