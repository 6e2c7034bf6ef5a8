//! What every embedder does with its vectors.

use catchment_core::{Error, Result};

/// Makes a vector's length 1, so that a dot product is the cosine.
///
/// # Errors
/// `Protocol` for a vector without a direction: all zeros, or with values that are no numbers.
pub(crate) fn unit(mut vector: Vec<f32>) -> Result<Vec<f32>> {
    let length = vector.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt();
    if !length.is_finite() || length < 1e-12 {
        return Err(Error::protocol("the model gave a vector without a direction: check the model"));
    }
    for value in &mut vector {
        *value = (f64::from(*value) / length) as f32;
    }
    Ok(vector)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vector_keeps_its_direction_and_gets_length_one() {
        assert_eq!(unit(vec![3.0, 4.0]).unwrap(), [0.6, 0.8]);
    }

    #[test]
    fn a_vector_without_direction_is_refused() {
        for vector in [vec![], vec![0.0; 3], vec![f32::NAN, 1.0], vec![f32::INFINITY, 1.0]] {
            assert!(unit(vector).is_err());
        }
    }
}
