//! A list that needs no heap while it is short, as nearly every document is. Unlike those of libraries it borrows as a
//! plain array does: it is covariant, and what it borrows from may go before it.

use std::mem;

/// As many as usual documents have fields.
const FEW: usize = 24;

#[derive(Clone, Debug)]
pub struct Few<T> {
    here: [T; FEW],
    /// How many are here.
    len: usize,
    /// All of them, once they are too many.
    heap: Vec<T>,
}

impl<T: Default> Few<T> {
    pub(crate) fn new() -> Self {
        Self { here: std::array::from_fn(|_| T::default()), len: 0, heap: Vec::new() }
    }

    #[inline]
    pub(crate) fn push(&mut self, item: T) {
        if !self.heap.is_empty() {
            self.heap.push(item);
        } else if let Some(place) = self.here.get_mut(self.len) {
            *place = item;
            self.len += 1;
        } else {
            self.heap.reserve(4 * FEW);
            self.heap.extend(self.here.iter_mut().map(mem::take));
            self.heap.push(item);
            self.len = 0;
        }
    }
}

impl<T> std::ops::Deref for Few<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        if self.heap.is_empty() { self.here.get(..self.len).unwrap_or_default() } else { &self.heap }
    }
}

impl<T> std::ops::DerefMut for Few<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        if self.heap.is_empty() { self.here.get_mut(..self.len).unwrap_or_default() } else { &mut self.heap }
    }
}

impl<T: Default> Default for Few<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: PartialEq> PartialEq for Few<T> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<T: Eq> Eq for Few<T> {}

impl<T: Default> FromIterator<T> for Few<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        let mut few = Self::new();
        items.into_iter().for_each(|item| few.push(item));
        few
    }
}

impl<T> IntoIterator for Few<T> {
    type Item = T;
    type IntoIter = std::iter::Chain<std::iter::Take<std::array::IntoIter<T, FEW>>, std::vec::IntoIter<T>>;

    fn into_iter(self) -> Self::IntoIter {
        self.here.into_iter().take(self.len).chain(self.heap)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_a_list_on_both_sides_of_its_bound() {
        for len in [0, 1, FEW - 1, FEW, FEW + 1, 4 * FEW + 1] {
            let expected: Vec<_> = (0..len).collect();
            let list: Few<_> = expected.iter().copied().collect();
            assert_eq!(*list, *expected);
            assert_eq!(list.heap.is_empty(), len <= FEW);
            assert!(list == list.clone());
            assert_eq!(list.into_iter().collect::<Vec<_>>(), expected);
        }
    }
}
