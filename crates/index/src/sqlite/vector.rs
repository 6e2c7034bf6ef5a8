//! Vectors as bytes: small ones to find candidates, full ones to put them in order.

/// One signed byte a dimension, scaled so that the largest is 127. The angle between two vectors
/// does not depend on their lengths, so the scale need not be kept.
pub(super) fn small(vector: &[f32]) -> impl Iterator<Item = u8> {
    let largest = vector.iter().fold(0_f32, |largest, x| largest.max(x.abs()));
    let scale = if largest > 0.0 { 127.0 / largest } else { 0.0 };
    vector.iter().map(move |x| (x * scale).round() as i8 as u8)
}

/// Four bytes a dimension, little endian.
pub(super) fn full(vector: &[f32]) -> impl Iterator<Item = u8> {
    vector.iter().flat_map(|x| x.to_le_bytes())
}

/// The cosine of the angle between a question and a stored vector; 0 if one of them has no
/// direction.
pub(super) fn cosine(question: &[f32], stored: &[u8]) -> f32 {
    let (mut dot, mut length, mut other) = (0_f32, 0_f32, 0_f32);
    for (x, bytes) in question.iter().zip(stored.chunks_exact(4)) {
        let y = f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        dot += x * y;
        length += x * x;
        other += y * y;
    }
    let lengths = (length * other).sqrt();
    if lengths > 0.0 { dot / lengths } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_survive_as_bytes() {
        let vector = [0.6, -0.8, 0.0];
        let bytes: Vec<u8> = full(&vector).collect();
        assert!((cosine(&vector, &bytes) - 1.0).abs() < 1e-6);
        assert_eq!(small(&vector).map(|byte| byte as i8).collect::<Vec<_>>(), [95, -127, 0]);
        assert_eq!(small(&[0.0, 0.0]).collect::<Vec<_>>(), [0, 0]);
        assert_eq!(cosine(&[0.0; 3], &bytes), 0.0);
    }
}
