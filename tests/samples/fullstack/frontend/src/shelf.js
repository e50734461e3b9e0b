export function shelf(books) {
  return `${books.length} books`;
}
