// The operators, as torch and its differentiation know them.

#include <ATen/Dispatch.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include <optional>

#include "normalise.h"
#include "perturb_combine.h"
#include "pool.h"

namespace pnn {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

void check_first_order() {
  TORCH_CHECK(!at::GradMode::is_enabled(),
              "the fused operators have no second derivatives: remove the library that "
              "pnn_core.fused.build made to have torch's own");
}

class PerturbCombine : public torch::autograd::Function<PerturbCombine> {
 public:
  static Tensor forward(AutogradContext* ctx, const Tensor& x_in, const Tensor& noise_in,
                        const Tensor& w, const std::optional<Tensor>& b,
                        const std::optional<Tensor>& gamma, const std::optional<Tensor>& beta,
                        const std::optional<Tensor>& running_mean,
                        const std::optional<Tensor>& running_var,
                        const std::optional<Tensor>& batches, double momentum, double eps,
                        bool training) {
    const Tensor x = channels_last(x_in), noise = channels_last(noise_in);
    std::optional<Norm> norm;
    if (gamma)
      norm = Norm{*gamma, *beta, *running_mean, *running_var, *batches, momentum, eps};
    const Norm* with = norm ? &*norm : nullptr;
    auto [y, statistics] = AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "perturb_combine", [&] {
      return perturb_combine_forward<scalar_t>(x, noise, w, b, with, training);
    });
    ctx->save_for_backward({x, noise, w, norm ? norm->gamma : Tensor(), norm ? norm->beta : Tensor(),
                            statistics.mean, statistics.inv});
    ctx->saved_data["has_bias"] = b.has_value();
    return y;
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& d_out) {
    check_first_order();
    const auto saved = ctx->get_saved_variables();
    std::optional<Norm> norm;
    if (saved[3].defined()) norm = Norm{saved[3], saved[4], {}, {}, {}, 0, 0};
    const Norm* with = norm ? &*norm : nullptr;
    const auto d = AT_DISPATCH_FLOATING_TYPES(saved[0].scalar_type(), "perturb_combine", [&] {
      return perturb_combine_backward<scalar_t>(d_out[0], saved[0], saved[1], saved[2],
                                                ctx->saved_data["has_bias"].toBool(), with,
                                                {saved[5], saved[6]});
    });
    return {d[0], {}, d[1], d[2], d[3], d[4], {}, {}, {}, {}, {}, {}};
  }
};

class Normalise : public torch::autograd::Function<Normalise> {
 public:
  static Tensor forward(AutogradContext* ctx, const Tensor& x_in, const Tensor& gamma,
                        const Tensor& beta, const Tensor& running_mean, const Tensor& running_var,
                        const Tensor& batches, double momentum, double eps, bool training,
                        const std::optional<Tensor>& shortcut_in, bool relu) {
    const Tensor x = channels_last(x_in);
    std::optional<Tensor> shortcut;
    if (shortcut_in) shortcut = channels_last(*shortcut_in);
    const Norm norm{gamma, beta, running_mean, running_var, batches, momentum, eps};
    auto [out, statistics] = AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "normalise", [&] {
      return normalise_forward<scalar_t>(x, norm, shortcut, relu, training);
    });
    ctx->save_for_backward({x, relu && shortcut ? out : Tensor(), gamma, beta, statistics.mean,
                            statistics.inv});
    ctx->saved_data["relu"] = relu;
    ctx->saved_data["shortcut"] = shortcut.has_value();
    return out;
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& d_out) {
    check_first_order();
    const auto saved = ctx->get_saved_variables();
    const Norm norm{saved[2], saved[3], {}, {}, {}, 0, 0};
    const auto d = AT_DISPATCH_FLOATING_TYPES(saved[0].scalar_type(), "normalise", [&] {
      return normalise_backward<scalar_t>(d_out[0], saved[0], saved[1], norm,
                                          {saved[4], saved[5]}, ctx->saved_data["relu"].toBool(),
                                          ctx->saved_data["shortcut"].toBool());
    });
    return {d[0], d[1], d[2], {}, {}, {}, {}, {}, {}, d[3], {}};
  }
};

class MaxPool : public torch::autograd::Function<MaxPool> {
 public:
  static Tensor forward(AutogradContext* ctx, const Tensor& x_in) {
    const Tensor x = channels_last(x_in);
    auto [y, places] = AT_DISPATCH_FLOATING_TYPES(
        x.scalar_type(), "max_pool", [&] { return max_pool_forward<scalar_t>(x); });
    ctx->save_for_backward({places});
    ctx->saved_data["height"] = x.size(2);
    ctx->saved_data["width"] = x.size(3);
    return y;
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& d_out) {
    check_first_order();
    const auto saved = ctx->get_saved_variables();
    return {AT_DISPATCH_FLOATING_TYPES(d_out[0].scalar_type(), "max_pool", [&] {
      return max_pool_backward<scalar_t>(d_out[0], saved[0], ctx->saved_data["height"].toInt(),
                                         ctx->saved_data["width"].toInt());
    })};
  }
};

Tensor perturb_combine(const Tensor& x, const Tensor& noise, const Tensor& w,
                       const std::optional<Tensor>& b, const std::optional<Tensor>& gamma,
                       const std::optional<Tensor>& beta, const std::optional<Tensor>& running_mean,
                       const std::optional<Tensor>& running_var,
                       const std::optional<Tensor>& batches, double momentum, double eps,
                       bool training) {
  return PerturbCombine::apply(x, noise, w, b, gamma, beta, running_mean, running_var, batches,
                               momentum, eps, training);
}

Tensor normalise_add_relu(const Tensor& x, const Tensor& gamma, const Tensor& beta,
                          const Tensor& running_mean, const Tensor& running_var,
                          const Tensor& batches, double momentum, double eps, bool training,
                          const std::optional<Tensor>& shortcut, bool relu) {
  return Normalise::apply(x, gamma, beta, running_mean, running_var, batches, momentum, eps,
                          training, shortcut, relu);
}

Tensor max_pool(const Tensor& x) { return MaxPool::apply(x); }

}  // namespace
}  // namespace pnn

TORCH_LIBRARY(pnn_core, library) {
  library.def(
      "perturb_combine(Tensor x, Tensor noise, Tensor weight, Tensor? bias, Tensor? gamma, "
      "Tensor? beta, Tensor? running_mean, Tensor? running_var, Tensor? batches, "
      "float momentum, float eps, bool training) -> Tensor",
      pnn::perturb_combine);
  library.def(
      "normalise_add_relu(Tensor x, Tensor gamma, Tensor beta, Tensor running_mean, "
      "Tensor running_var, Tensor batches, float momentum, float eps, bool training, "
      "Tensor? shortcut, bool relu) -> Tensor",
      pnn::normalise_add_relu);
  library.def("max_pool(Tensor x) -> Tensor", pnn::max_pool);
}
